"""How our pages look, on a screen by day and by night, and on paper: shared by `check --html` and `load --html`."""

LIGHT = """--ink:#1b2430;--soft:#566070;--rule:#d9dee5;--paper:#fff;--panel:#f6f8fa;--intended:#0b4f9e;
--service:#c2620a;--bad:#b3261e;--good:#1b6e3c;--doubt:#7d5800"""
DARK = """--ink:#e6e9ee;--soft:#a8b2bf;--rule:#37414e;--paper:#12161c;--panel:#1b222b;--intended:#82b6ff;
--service:#f0a35e;--bad:#ff8f85;--good:#7fd49e;--doubt:#e8bd55"""
"""The same names; each on paper and panel with a contrast of at least 4.5 (WCAG 2.2, 1.4.3)."""

LOOK = f"""
:root{{color-scheme:light;{LIGHT}}}
@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{DARK}}}}}
@media screen{{:root[data-theme=dark]{{color-scheme:dark;{DARK}}}}}
*{{box-sizing:border-box}}
body{{margin:0 auto;padding:28px 24px;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}}
h1{{font-size:22px;margin:0 0 4px}}h2{{font-size:17px;margin:36px 0 4px;overflow-wrap:anywhere}}p{{margin:4px 0 10px}}
.soft{{color:var(--soft)}}
.verdict{{border-left:6px solid;padding:10px 16px;margin:18px 0;background:var(--panel)}}
.verdict strong{{font-size:18px}}.verdict.pass{{border-color:var(--good)}}.verdict.fail{{border-color:var(--bad)}}
.verdict.inconclusive{{border-color:var(--doubt)}}.pass>strong,td.pass{{color:var(--good)}}
.fail>strong,td.fail{{color:var(--bad)}}.inconclusive>strong,td.inconclusive{{color:var(--doubt)}}
.wide{{overflow-x:auto}}table{{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}}
th,td{{padding:6px 10px;border-bottom:1px solid var(--rule);text-align:right;vertical-align:top;white-space:nowrap}}
th{{color:var(--soft);font-weight:600;font-size:13px}}
th:first-child,td:first-child{{text-align:left;white-space:normal}}
figure{{margin:10px 0 0;break-inside:avoid}}figcaption{{font-size:13px;color:var(--soft)}}svg{{width:100%;height:auto}}
section{{break-inside:avoid}}
.grid{{stroke:var(--rule);stroke-width:1}}.tick,.axis{{font-size:12px;fill:var(--soft)}}
polyline{{fill:none;stroke-width:2}}
polyline.intended{{stroke:var(--intended)}}circle.intended{{fill:var(--intended)}}
polyline.service{{stroke:var(--service);stroke-dasharray:6 4}}circle.service{{fill:var(--service)}}
polyline.median{{stroke:var(--intended);stroke-width:1.2;opacity:.6}}circle.median{{fill:var(--intended);opacity:.6}}
polyline.blocking{{stroke:var(--bad)}}circle.blocking{{fill:var(--bad)}}
polyline.warnings{{stroke:var(--doubt);stroke-dasharray:6 4}}circle.warnings{{fill:var(--doubt)}}
polyline.known{{stroke:var(--soft);stroke-dasharray:2 3}}circle.known{{fill:var(--soft)}}
.limit{{stroke:var(--bad);stroke-width:1.5;stroke-dasharray:2 3}}
.limit-name,.failed{{font-size:12px;fill:var(--bad);paint-order:stroke;stroke:var(--paper);stroke-width:3px}}
@media print{{body{{max-width:none;padding:0;font-size:11pt}}
.verdict{{background:none;border:1px solid;border-left-width:6px}}a{{color:inherit}}@page{{margin:14mm}}}}
"""
