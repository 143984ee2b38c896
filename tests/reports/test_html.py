"""The HTML report as a file: complete in itself, every value escaped, and every proof in it."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from reports.samples import ALL, EVIL, ITEMS, broken, clean, decided, everything, hostile, inconclusive, many, stale
from verdict.builders import route

from seatrial.model.findings import Place
from seatrial.model.outcomes import State
from seatrial.model.requests import Request, Sent
from seatrial.model.result import Judged, Result
from seatrial.reports import html_report
from seatrial.reports.excerpts import Source
from seatrial.reports.proof import proof
from seatrial.reports.rows import line, rows
from seatrial.verdict import history


class Page(HTMLParser):
    """Elements with their attributes, and the text of scripts and styles apart from what is shown."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.inside, self.shown = [], [], ""
        self.raw = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.inside.append((tag, dict(attrs)))
            self.raw.append("")

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.inside.pop()

    def handle_data(self, data):
        if self.inside:
            self.raw[-1] += data
        else:
            self.shown += data


def html(result, *, root=Path("/nowhere"), earlier=(), secrets=(), where=""):
    run = history.of(result, scope="", commit="abc1234567")
    source = Source(root, "", frozenset(secrets))
    return html_report.to_html(result, rows(result), runs=[*earlier, run], source=source, where=where)


def data_of(page):
    kinds = [attributes for tag, attributes in page.elements if tag in ("script", "style")]
    [text] = [raw for raw, attributes in zip(page.raw, kinds, strict=True) if attributes.get("id") == "data"]
    return json.loads(text)


@pytest.mark.parametrize("name", [*ALL, "hostile"])
def test_it_is_one_file_that_fetches_nothing(name):
    text = html({**ALL, "hostile": hostile}[name]())
    page = Page(text)
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "use", "image")
        assert not {"src", "style", "action", "srcdoc", "xlink:href"} & set(attributes), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert attributes.get("href", "#").startswith("#")
    assert not re.search(r"@import|url\(", text.partition("</style>")[0])


def test_no_other_script_may_run():
    text = html(everything())
    page = Page(text)
    [policy] = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    style, data, script = page.raw
    json.loads(data)
    for kind, content in (("style", style), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script)


def test_hostile_text_stays_text():
    page = Page(html(hostile()))
    kinds = [tag for tag, _ in page.elements]
    assert kinds.count("script") == 2
    assert kinds.count("style") == 1
    assert "alert(1)" in page.shown
    assert "{{ 7*7 }}" in page.shown
    assert not set(page.shown) & set("\x1b\u202e\x00")
    found = data_of(page)
    assert line(EVIL) in found["texts"]
    assert found["findings"][0][-1]["sql"].startswith("SELECT <script>alert(1)")


def test_the_verdict_and_what_next_are_written_out():
    page = Page(html(everything(), where="--config shop.toml"))
    for text in (
        "BLOCKED",
        "exit 1",
        "3 new findings of 2 rules block.",
        "seatrial baseline accept --config shop.toml --rule HDR001",
        "stockroom:create_app",
        "PostgreSQL 16.4",
        "What to fix first",
        "one SELECT per item",
        "the growth did not reach it",
        "skip list: /logout",
        "3 routes were left out",
        "abc1234567",
        "This is the first run",
    ):
        assert text in page.shown, text
    assert "PASS" in Page(html(clean())).shown
    assert "mypy did not finish: exit 2: invalid syntax" in Page(html(broken())).shown
    assert "the canary was banned" in Page(html(inconclusive())).shown
    assert "no longer found" in Page(html(stale())).shown


def test_the_data_has_every_finding_and_every_route():
    found = data_of(Page(html(many(700))))
    assert len(found["findings"]) == 700
    assert len(found["routes"]) == 1000
    levels = [one[2] for one in found["findings"] if one[3]]
    assert levels == sorted(levels, key=["block", "warn", "info"].index)


def shop(root: Path) -> Path:
    (root / "app").mkdir()
    lines = [f"line {n}" for n in range(1, 30)]
    lines[11] = 'API_TOKEN = "c0ffee-and-more"  # the other one is hunter2'
    (root / "app" / "views.py").write_text("\n".join(lines))
    return root


def growth():
    finding = replace(
        route(ITEMS, rule="SQL001", message="one per item", place=Place("app/views.py", 10, "line 10")),
        evidence={
            "sql": "SELECT lot.id FROM lot WHERE ? = lot.item_id",
            "grown": "item",
            "way": "beside the rows that are there",
            "sizes": [0, 2, 5, 11],
            "rows": [1, 3, 6, 12],
            "statements": [1, 3, 6, 12],
            "slope": 1.0,
            "places": ["app/views.py:10", "app/views.py:20"],
        },
        requests=(Request("GET", "/items/", "owner", Sent((("Accept", "text/html"),)), "again", 200, True),),
    )
    return decided(Result(findings=[Judged(finding, State.NEW)]))


def crash():
    finding = replace(
        route("webhook /hooks", rule="WHK003", message="applied twice", detail="checkout death"),
        evidence={
            "event": "checkout.session.completed",
            "boundary": "the process died before commit 3",
            "answers": [0, 200],
            "difference": ["invoice[7]: a row more", "account[1]: balance 20 in place of 10", "mail: a row is missing"],
            "fault": "checkout.session.completed/death@3",
            "boundaries": ["1 statement SELECT event", "2 statement INSERT invoice", "3 commit"],
        },
    )
    return decided(Result(findings=[Judged(finding, State.NEW)]))


def proof_of(result, root):
    return proof(rows(result)[0], Source(root))


def test_a_slope_is_drawn_and_told_in_numbers(tmp_path):
    found = proof_of(growth(), shop(tmp_path))
    assert found.points == ((1, 1), (3, 3), (6, 6), (12, 12))
    assert found.axes == ("rows of item", "statements")
    assert found.slope == "1"
    assert found.chart.count("<circle") == 4
    page = Page(html(growth(), root=tmp_path))
    assert "statements over rows of item: 1 per row" in page.shown
    assert "SELECT lot.id FROM lot WHERE ? = lot.item_id" in page.shown
    assert "GET /items/\nAccept: text/html" in page.shown
    assert "→ 200; the body of the view was entered" in page.shown


@pytest.mark.parametrize(
    "evidence",
    [
        {"rows": [1, 3], "statements": [1]},
        {"rows": "many", "statements": [1, 2]},
        {"rows": [1, -3], "statements": [1, 2]},
        {"rows": [True, False], "statements": [1, 2]},
        {"rows": [1.5, 2.5], "statements": [1, 2]},
        {"rows": 7},
        {},
    ],
)
def test_what_is_no_series_is_shown_as_it_is(evidence):
    [row] = rows(decided(Result(findings=[Judged(replace(route(), evidence=evidence), State.NEW)])))
    found = proof(row, Source(Path("/nowhere")))
    assert (found.points, found.chart) == ((), "")
    if "rows" in evidence and not isinstance(evidence["rows"], list):
        assert "rows" in [fact.name for fact in found.facts]


def test_source_is_shown_around_the_line_without_its_secrets(tmp_path):
    shown = Source(shop(tmp_path), "", frozenset({"hunter2"})).around("app/views.py", 10)
    assert [number for number, _ in shown.lines] == [7, 8, 9, 10, 11, 12, 13]
    assert shown.lines[5][1] == 'API_TOKEN = "[redacted]"  # the other one is [redacted]'
    assert Source(tmp_path, "services/shop").around("services/shop/app/views.py", 1).lines[0] == (1, "line 1")


@pytest.mark.parametrize(
    "text",
    [
        "password='hunter-two'",
        'config["SECRET_KEY"] = "hunter-two"',
        "'api_key': 'hunter-two',",
        'TOKEN: str = f"hunter-two"',
        'auth(secret="hunter-two")',
        "db_password = 'hunter-two",
    ],
)
def test_a_literal_under_a_name_that_sounds_secret_is_masked(tmp_path, text):
    (tmp_path / "a.py").write_text(text)
    [(_, shown)] = Source(tmp_path).around("a.py", 1).lines
    assert "hunter-two" not in shown
    assert "[redacted]" in shown


def test_what_is_none_of_the_apps_source_is_not_read(tmp_path):
    (tmp_path / "secret.py").write_text("outside")
    root = tmp_path / "app"
    root.mkdir()
    (root / "link.py").symlink_to(tmp_path / "secret.py")
    (root / "large.py").write_text("x\n" * 600_000)
    source = Source(root)
    for path in ("../secret.py", str(tmp_path / "secret.py"), "link.py", "large.py", "gone.py", "a\x00b"):
        assert source.around(path, 1) is None, path
    (root / "one.py").write_text("x")
    assert source.around("one.py", 2) is None


def test_the_state_after_a_crash_stands_beside_the_wanted_one(tmp_path):
    found = proof_of(crash(), tmp_path)
    assert [(change.kind, change.text.partition(":")[0]) for change in found.changes] == [
        ("more", "invoice[7]"),
        ("other", "account[1]"),
        ("less", "mail"),
    ]
    assert [hit for _, hit in found.boundaries] == [False, False, True]
    page = Page(html(crash()))
    assert "the process died before commit 3; answered the process died, 200" in page.shown
    assert "3 commit broken here" in " ".join(page.shown.split())


def test_earlier_runs_are_drawn_and_listed():
    earlier = [replace(history.of(everything(), scope="", commit=f"c{n}"), blocking=n) for n in range(4)]
    text = html(everything(), earlier=earlier)
    assert "Findings over 5 runs; the last: 3 blocking, 1 warnings, 1 known" in text
    page = Page(text)
    assert page.shown.index("abc1234567") < page.shown.index("c3") < page.shown.index("c0")
    [first] = [one for one in data_of(page)["routes"] if one[1] == "/r7"]
    assert first[8] == [7] * 5


def test_the_history_is_no_way_in():
    earlier = [history.Run(EVIL, EVIL, EVIL, 99, 1, 1, 1, 1, 1.0)]
    page = Page(html(everything(), earlier=earlier))
    assert [tag for tag, _ in page.elements].count("script") == 2


def test_the_file_is_written_in_one_step(tmp_path):
    result = everything()
    run = history.of(result, scope="", commit="")
    html_report.write(result, rows(result), tmp_path / "a" / "report.html", runs=[run], source=Source(tmp_path))
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["report.html"]
    assert (tmp_path / "a" / "report.html").read_text().endswith("</html>\n")
