namespace DistillSharp.Runs.Report;

/// <summary>The report's style sheet: light and dark, tables that turn into cards on phones.</summary>
internal static class ReportStyle
{
    public const string Css = """
        :root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --ink: #1a1d23; --soft: #5b6270; --line: #dfe3ea; --grid: #e9ecf1;
          --gain: #0b7a4b; --gain-soft: #dcf3e7; --loss: #b3261e; --loss-soft: #fbe3e1; --even: #4d5666; --even-soft: #e8ebf0; --warn-soft: #fff3d6; --warn: #7a5200;
          --c0: #6d7482; --c1: #1f6fd1; --c2: #b8690a; --c3: #0a8a5c; --c4: #8a4fd3; --c5: #cc3b57; --c6: #0d869e; --c7: #7d6a12; }
        @media (prefers-color-scheme: dark) { :root { --page: #14161a; --card: #1d2026; --ink: #e9ebef; --soft: #a2a9b6; --line: #343943; --grid: #2a2e36;
          --gain: #56cf97; --gain-soft: #173528; --loss: #ff8a80; --loss-soft: #43201e; --even: #b3bac7; --even-soft: #2c313a; --warn-soft: #3a2f14; --warn: #f2cf7f;
          --c0: #98a0ae; --c1: #6aa9f5; --c2: #eba04a; --c3: #46c98f; --c4: #bb93f2; --c5: #f57f93; --c6: #4fc3d9; --c7: #cdb74f; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        main { max-width: 1180px; margin: 0 auto; padding: 24px 16px 64px; }
        h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
        h2 { font-size: 1.15rem; margin: 36px 0 10px; }
        p { margin: 8px 0; }
        .soft { color: var(--soft); font-size: .9rem; }
        code, pre { font: .86rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
        code { overflow-wrap: anywhere; }
        .headline { font-size: 1.15rem; font-weight: 600; border-left: 5px solid var(--even); background: var(--card); padding: 14px 16px; border-radius: 6px; margin: 18px 0; }
        .headline.gain { border-color: var(--gain); } .headline.loss { border-color: var(--loss); }
        .warning { background: var(--warn-soft); color: var(--warn); padding: 10px 14px; border-radius: 6px; margin: 12px 0; }
        .findings { list-style: none; margin: 0; padding: 0; display: grid; gap: 10px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
        .findings li { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; }
        .findings strong { margin-right: 8px; overflow-wrap: anywhere; }
        .findings p { margin: 4px 0 0; font-size: .94rem; }
        .badge { display: inline-block; padding: 1px 9px; border-radius: 999px; font-size: .82rem; font-weight: 600; white-space: nowrap; background: var(--even-soft); color: var(--even); }
        .badge.gain { background: var(--gain-soft); color: var(--gain); } .badge.loss { background: var(--loss-soft); color: var(--loss); }
        .scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
        table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
        th, td { padding: 7px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
        thead th { color: var(--soft); font-weight: 600; font-size: .82rem; vertical-align: bottom; white-space: normal; }
        th.text, td.text, tbody th { text-align: left; }
        tbody th { font-weight: 600; position: sticky; left: 0; background: var(--card); }
        td small { display: block; color: var(--soft); font-size: .8rem; line-height: 1.2; white-space: nowrap; }
        .wide td { white-space: normal; } .wide td, .wide th { padding: 7px 7px; } .wide tbody td, .wide tbody th { vertical-align: top; }
        tbody tr:last-child > * { border-bottom: 0; }
        .charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 14px; }
        .chart { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px; max-width: 540px; }
        .chart figcaption { font-size: .9rem; font-weight: 600; margin-bottom: 4px; overflow-wrap: anywhere; }
        .chart svg { display: block; width: 100%; height: auto; }
        .legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 0 0 4px; padding: 0; font-size: .82rem; color: var(--soft); }
        .swatch { display: inline-block; width: 16px; border-top: 3px solid; vertical-align: middle; margin-right: 6px; }
        .swatch.dashed { border-top-style: dashed; }
        svg text { fill: var(--ink); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        svg .tick { fill: var(--soft); font-size: 11px; } svg .value { font-variant-numeric: tabular-nums; }
        svg .label { font-weight: 600; } svg .band { fill: var(--card); }
        svg .grid { stroke: var(--grid); } svg .axis { stroke: var(--line); } svg .mark { stroke: var(--soft); stroke-width: 1.2; }
        svg .mean { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; } svg .seed { fill: none; stroke: currentColor; stroke-width: 1; opacity: .3; }
        svg .dashed { stroke-dasharray: 6 4; } svg .dot { fill: currentColor; stroke: var(--card); stroke-width: 1.5; }
        svg .whisker { stroke: currentColor; stroke-width: 2; fill: none; } svg .point { fill: currentColor; stroke: var(--card); stroke-width: 1.5; }
        .gain { color: var(--gain); } .loss { color: var(--loss); } .even { color: var(--even); } .headline { color: var(--ink); }
        .c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); } .c4 { color: var(--c4); } .c5 { color: var(--c5); } .c6 { color: var(--c6); } .c7 { color: var(--c7); }
        pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; overflow-x: auto; margin: 8px 0; }
        summary { cursor: pointer; font-weight: 600; margin: 12px 0 8px; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; font-size: .92rem; margin: 0; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
        @media (max-width: 640px) {
          main { padding: 16px 12px 48px; }
          .scroll { background: none; border: 0; overflow: visible; }
          table, tbody, tr, th, td { display: block; } thead { display: none; }
          tr { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; margin-bottom: 10px; }
          tbody th { position: static; } tbody tr th, tbody tr td, tbody tr:last-child td, .wide tbody th, .wide tbody td { border-bottom: 1px solid var(--grid); padding: 4px 0; }
          tbody tr td:last-child { border-bottom: 0; }
          td, td.text { display: flex; justify-content: space-between; gap: 14px; text-align: right; }
          td::before { content: attr(data-label); color: var(--soft); text-align: left; white-space: normal; }
          td small { display: inline; }
          td.none { display: none; }
          dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
        }
        @media print { body { background: #fff; } .chart, .findings li, tr { break-inside: avoid; } }
        """;
}
