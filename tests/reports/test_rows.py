"""Findings as programs are told of them: worst first, each with a place of its own and a number among its equals."""

from dataclasses import replace

import pytest
from reports.samples import EVIL, decided, everything, hostile
from verdict.builders import lint, route

from seatrial.model.findings import Place
from seatrial.model.outcomes import Level, State
from seatrial.model.result import Judged, Result
from seatrial.reports.rows import DEEPEST, LONGEST, MOST, bounded, files, first, line, rows


def new(*findings, **options):
    return rows(decided(Result(findings=[Judged(finding, State.NEW) for finding in findings], **options)))


def test_what_blocks_is_first_and_what_is_known_last():
    found = rows(everything())
    assert [(row.state, row.level) for row in found] == [
        *[(State.NEW, Level.BLOCK)] * 3,
        (State.NEW, Level.WARN),
        (State.NEW, Level.INFO),
        (State.KNOWN, Level.BLOCK),
    ]
    assert [row.blocks for row in found] == [True, True, True, False, False, False]


def test_equal_findings_are_numbered():
    found = new(lint(3), lint(9), lint(30), lint(4, "other()"))
    numbers = sorted((row.fingerprint, row.occurrence) for row in found)
    assert sorted(number for _, number in numbers) == [1, 1, 2, 3]
    assert len(set(numbers)) == 4


def test_the_place_is_its_own_where_it_has_one():
    [row] = new(lint(7))
    assert (row.path, row.line, row.exact, row.text) == ("app/views.py", 7, True, "eval(user_input)")


def test_a_route_without_a_line_stands_where_its_view_does():
    homes = {"GET /items/ items.index": Place("app/items.py", 12), "webhook /hooks": Place("app/hooks.py", 3)}
    found = new(
        route(), route("webhook /hooks", rule="WHK001"), route("config X"), homes=homes, configuration="seatrial.toml"
    )
    assert {row.subject: (row.place, row.exact) for row in found} == {
        "GET /items/ items.index [owner]": ("app/items.py:12", False),
        "webhook /hooks": ("app/hooks.py:3", False),
        "config X": ("seatrial.toml:1", False),
    }


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret.py", "a/../../b.py", "C:\\x.py", "~/x.py"])
def test_no_place_outside_of_the_project_is_told(path):
    [row] = new(route(place=Place(path, 3)))
    assert (row.path, row.exact) == ("pyproject.toml", False)


def test_paths_begin_at_the_root_of_the_repository():
    result = decided(Result(findings=[Judged(lint(7), State.NEW)]))
    [row] = rows(result, prefix="services/shop")
    assert row.place == "services/shop/app/views.py:7"


def test_a_line_is_one_line_that_cannot_draw():
    assert line("a\x1b[31mb\r\n  c\u202ed") == "a\\x1b[31mb c\\x202ed"
    for row in rows(hostile()):
        for text in (row.rule, row.subject, row.message, row.remedy, row.path, row.text, row.replay):
            assert not set(text) & set("\n\r\x1b\u202e")


def test_the_replay_is_of_this_finding():
    [row] = new(route(detail="d"))
    assert row.replay == f"seatrial check --replay {row.fingerprint[:8]} --only HDR001 --route 'GET /items/'"
    assert new(lint(7))[0].replay == ""


def test_evidence_has_a_bounded_size_and_says_what_it_left_out():
    assert bounded("x" * (LONGEST + 5)) == "x" * LONGEST + "… (5 characters more)"
    assert bounded(list(range(MOST + 3))) == [*range(MOST), "… 3 more"]
    assert bounded({str(n): n for n in range(MOST + 2)})["…"] == "2 more"
    deep = "end"
    for _ in range(DEEPEST + 3):
        deep = [deep]
    assert str(bounded(deep)).count("[") == DEEPEST
    assert bounded({"a": [1.5, None, True, float("nan")]}) == {"a": [1.5, None, True, None]}
    assert "\x1b" not in bounded(EVIL)


def test_other_lines_of_the_evidence_are_found_once():
    named = {
        "places": ["app/a.py:3", "app/b.py:4", "app/b.py:4", "/etc/passwd:1", "nonsense"],
        "template": "app/t.html:9",
    }
    [row] = new(replace(route(place=Place("app/a.py", 3)), evidence=named))
    assert list(files(row)) == [("app/b.py", 4), ("app/t.html", 9)]
    assert next(files(row, "shop")) == ("shop/app/a.py", 3)


def test_what_a_trial_measured_is_mended_before_what_every_answer_lacks():
    def of(rule, number, **evidence):
        return [replace(route(f"GET /{rule}{n} r [o]", rule=rule), evidence=evidence) for n in range(number)]

    findings = [
        *of("HDR001", 9),
        *of("HDR005", 8),
        *of("HDR006", 7),
        *of("CKE001", 5),
        *of("SQL006", 3, sql="INSERT"),
        *of("SQL001", 2, sizes=[0, 2]),
        *of("WHK003", 1, difference=["a"]),
        *[replace(one, level=Level.WARN) for one in of("SQL005", 9, sizes=[0, 2])],
    ]
    found = new(*findings)
    assert [found[number].rule for number in first(found, 6)] == [
        *("SQL001", "WHK003", "SQL006", "HDR001", "HDR005", "CKE001"),
    ]
    assert [found[number].rule for number in first(found, 99)][-2:] == ["CKE001", "SQL005"]


def test_of_a_rule_the_finding_with_the_proof_is_shown():
    plain = route("GET /a a [o]", rule="SQL001")
    found = new(plain, replace(route("GET /b b [o]", rule="SQL001"), evidence={"sizes": [0, 2]}))
    assert [found[number].subject for number in first(found, 5)] == ["GET /b b [o]"]
