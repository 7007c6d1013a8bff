namespace DistillSharp.Runs;

/// <summary>What a reader must know about a comparison: few seeds, unequal seeds, unequal tuning, jobs' own notes.</summary>
internal static class ComparisonNotes
{
    public static IEnumerable<string> Of(IReadOnlyDictionary<string, SortedDictionary<int, JobResult>> arms, string[] compared)
    {
        if (compared.Length > 0 && compared.Max(arm => arms[arm].Count) == 1)
        {
            yield return "One seed: nothing is known about the spread over seeds. Intervals and McNemar's test are over test samples and cover the choice of the test set only.";
        }

        if (compared.Select(arm => string.Join(", ", arms[arm].Keys)).Distinct().Count() > 1)
        {
            yield return "Arms have different seeds; differences use the seeds in common: " + string.Join("; ", compared.Select(arm => $"{arm} {string.Join(", ", arms[arm].Keys)}")) + ".";
        }

        if (compared.Select(arm => arms[arm].Values.Max(job => job.Tuning.Count)).Distinct().Count() > 1)
        {
            yield return "Arms had different numbers of tuning trials: " + string.Join(", ", compared.Select(arm => $"{arm} {arms[arm].Values.Max(job => job.Tuning.Count)}")) + ".";
        }

        foreach (var job in arms.Values.SelectMany(bySeed => bySeed.Values))
        {
            if (!job.TeacherUnchanged)
            {
                yield return $"{JobResult.JobName(job.Arm, job.Seed)}: the teacher's weights changed during training; its figures cannot be trusted.";
            }

            foreach (var note in job.Notes)
            {
                yield return $"{JobResult.JobName(job.Arm, job.Seed)}: {note}";
            }
        }
    }
}
