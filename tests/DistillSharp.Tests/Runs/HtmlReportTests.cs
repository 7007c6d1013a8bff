using System.Text.RegularExpressions;
using System.Xml.Linq;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Runs.Report;
using DistillSharp.Tests.RunLog;

namespace DistillSharp.Tests.Runs;

public class HtmlReportTests
{
    private const string Nasty = "<script>alert('x')</script> & \"quoted\"";

    private static ReportContent Content(params int[] seeds)
    {
        var labels = SampleRuns.Labels();
        var jobs = SampleRuns.Jobs(labels, seeds);
        return new ReportContent
        {
            Results = Comparison.Build(jobs, labels, [Nasty, .. SampleRuns.Classes[1..]], Nasty, new ComparisonOptions { Command = Nasty, Machine = Nasty, Notes = [Nasty], Data = new() { [Nasty] = Nasty }, PlannedJobs = ["soft_target/seed-9"] }),
            Events = SampleRuns.Events(30, seeds),
            Recipe = Nasty,
            Environment = EnvironmentInfo.Capture(1, new FixedTime(DateTimeOffset.UnixEpoch)) with { Cpu = Nasty },
        };
    }

    [Fact]
    public void Render_AnyText_IsEscapedAndWellFormed()
    {
        var html = HtmlReport.Render(Content(0, 1, 2));
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        var body = Body(html);
        Assert.Equal(Nasty, body.Descendants("h1").Single().Value);
        Assert.Equal(Nasty, body.Descendants("pre").Single().Value);
    }

    [Fact]
    public void Render_Page_IsSelfContainedAndFitsPhones()
    {
        var html = HtmlReport.Render(Content(0, 1, 2));
        Assert.Contains("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">", html, StringComparison.Ordinal);
        Assert.DoesNotMatch(new Regex("(src|href)=|url\\(|@import|https?://", RegexOptions.IgnoreCase), html);
        Assert.Contains("prefers-color-scheme: dark", html, StringComparison.Ordinal);
        Assert.True(html.Length < 400_000);
    }

    [Fact]
    public void Render_ThreeSeeds_ShowsEverySection()
    {
        var body = Body(HtmlReport.Render(Content(0, 1, 2)));
        var captions = body.Descendants("figcaption").Select(caption => caption.Value).ToArray();
        Assert.Equal(
            ["top-1 against plain", "top-1 against label_smoothing", "Gap to the teacher that is recovered", "top-1 % on validation data", "NLL on validation data",
                "teacher: training loss", "plain: training loss", "label_smoothing: training loss", "soft_target: training loss", "label_smoothing", "soft_target"],
            captions);
        Assert.Equal(["Truth table", "What distillation changes", "Cost", "Training", "Change by class against plain", "Notes", "Recipe", "How to repeat it"], body.Descendants("h2").Select(heading => heading.Value));
        Assert.Contains("soft_target/seed-9", body.Descendants("p").Single(p => (string?)p.Attribute("class") == "warning").Value, StringComparison.Ordinal);
        var loss = body.Descendants("figure").Single(figure => figure.Element("figcaption")!.Value == "soft_target: training loss");
        Assert.Equal(["total", "hard_labels", "soft_target"], loss.Descendants("li").Select(item => item.Value));
        Assert.Equal(3 * (3 + 1), loss.Descendants("path").Count());
    }

    [Fact]
    public void Render_NothingFinished_StillSaysSo()
    {
        var html = HtmlReport.Render(new ReportContent { Results = Comparison.Build([], [], [], "empty", new ComparisonOptions { PlannedJobs = ["plain/seed-0"] }) });
        Assert.Contains("not complete", html, StringComparison.Ordinal);
        Assert.Contains("No distilled student", html, StringComparison.Ordinal);
        Assert.Empty(Body(html).Descendants("figure"));
    }

    [Fact]
    public void Render_OneSeedOrOddValues_StaysFinite()
    {
        var content = Content(4);
        List<RunEvent> odd = [.. content.Events, new EpochEnded("soft_target", 4, "main", 31, 31, 620, double.NaN, new Dictionary<string, double> { ["hard_labels"] = double.PositiveInfinity }, new Dictionary<string, double>(), 0.1, 1)];
        Assert.DoesNotMatch(new Regex("\"[^\"]*(NaN|Infinity|∞)[^\"]*\""), HtmlReport.Render(content with { Events = odd }));
    }

    [Fact]
    public void Save_SameContent_SameBytes()
    {
        using var folder = new TemporaryFolder();
        HtmlReport.Save(folder.File("report.html"), Content(0, 1));
        var first = File.ReadAllText(folder.File("report.html"));
        HtmlReport.Save(folder.File("report.html"), Content(0, 1));
        Assert.Equal(first, File.ReadAllText(folder.File("report.html")));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    /// <summary>The body read as XML, which fails on unbalanced tags and unescaped text.</summary>
    private static XElement Body(string html)
    {
        var start = html.IndexOf("<body>", StringComparison.Ordinal);
        return XElement.Parse(html[start..html.IndexOf("</html>", StringComparison.Ordinal)].Replace("&nbsp;", "&#160;", StringComparison.Ordinal), LoadOptions.PreserveWhitespace);
    }
}
