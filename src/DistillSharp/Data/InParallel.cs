using System.Runtime.ExceptionServices;

namespace DistillSharp.Data;

/// <summary>Independent pieces of work on several threads.</summary>
internal static class InParallel
{
    /// <summary>Does <paramref name="work"/> for 0 … count − 1. Of several failures the one with the lowest number is thrown, as without threads.</summary>
    /// <param name="count">Pieces.</param>
    /// <param name="threads">Threads at most; 0 for one a processor, 1 for the calling thread alone.</param>
    /// <param name="work">One piece; must not depend on the others.</param>
    public static void For(int count, int threads, Action<int> work)
    {
        if (threads == 1 || count < 2)
        {
            for (var i = 0; i < count; i++)
            {
                work(i);
            }

            return;
        }

        var failed = int.MaxValue;
        ExceptionDispatchInfo? first = null;
        var door = new Lock();
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads == 0 ? Environment.ProcessorCount : threads }, i =>
        {
            // What comes behind a failure need not be done; what comes before it may fail too.
            if (i > Volatile.Read(ref failed))
            {
                return;
            }

            try
            {
                work(i);
            }
            catch (Exception error)
            {
                lock (door)
                {
                    if (i < failed)
                    {
                        (failed, first) = (i, ExceptionDispatchInfo.Capture(error));
                    }
                }
            }
        });
        first?.Throw();
    }
}
