using DistillSharp.Recipes;
using DistillSharp.Runs;

namespace DistillSharp.Tests.Runs;

public sealed class RunDirectoryTests
{
    [Fact]
    public void Path_WithSeparatorAtItsEnd_IsTheSameAsWithout()
    {
        using var folder = new TemporaryFolder();

        Assert.Equal(folder.Path, new RunDirectory(folder.Path + Path.DirectorySeparatorChar).Path);
    }

    [Fact]
    public void LockNew_DirectoryThatIsNotThere_IsMadeAndCanBePrepared()
    {
        using var folder = new TemporaryFolder();
        var directory = new RunDirectory(folder.File("runs/new"));

        using (directory.LockNew())
        {
            Assert.Contains("another process is running in", Assert.Throws<IOException>(directory.CheckUnlocked).Message, StringComparison.Ordinal);
            Assert.Contains("another process is running in", Assert.Throws<IOException>(directory.LockNew).Message, StringComparison.Ordinal);
            directory.Create();
        }

        directory.CheckUnlocked();
        Assert.True(directory.IsEmpty);
    }

    [Fact]
    public void LockNew_DirectoryThatCannotBeMade_SaysWhich()
    {
        using var folder = new TemporaryFolder();
        var directory = new RunDirectory(Path.Combine(folder.Write("file", "no folder"), "run"));

        Assert.StartsWith($"{directory.Path} cannot be written", Assert.Throws<IOException>(directory.LockNew).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("teacher-v1.2", "teacher-v1.2")]
    [InlineData("my recipe", "my-recipe")]
    [InlineData("_draft (2)", "draft--2-")]
    [InlineData("…", "recipe")]
    public void NameOf_AnyText_CanBeTheNameOfARun(string text, string expected)
    {
        Assert.Equal(expected, RunDirectory.NameOf(text));
        Assert.True(Names.IsFileName(expected));
        Assert.True(Names.IsFileName(RunDirectory.NameOf(string.Concat(Enumerable.Repeat(text, 100)))));
    }
}
