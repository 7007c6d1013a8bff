Console.WriteLine("distill");
