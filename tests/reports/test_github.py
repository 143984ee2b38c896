"""Annotations and summary as GitHub Actions reads them."""

import io
import re
from pathlib import Path

import pytest
from reports.samples import EVIL, broken, clean, decided, everything, hostile, inconclusive, many, stale
from verdict.builders import lint, route

from seatrial.model.errors import ConfigurationError
from seatrial.model.outcomes import Level, State
from seatrial.model.result import Judged, Result
from seatrial.reports import github
from seatrial.reports.rows import rows


def commands(text):
    """What the runner makes of a log: (kind, properties, message), as its ActionCommand.cs reads a line."""
    found = []
    for one in text.split("\n"):
        match = re.match(r"\s*::([^ :]+)(?: ([^:]*))?::(.*)$", one)
        if not match:
            continue
        given = dict(pair.split("=", 1) for pair in (match[2] or "").split(",") if pair)
        properties = {name: unescaped(value, {"%3A": ":", "%2C": ","}) for name, value in given.items()}
        found.append((match[1], properties, unescaped(match[3])))
    return found


def unescaped(text, more=None):
    for escaped, sign in {"%0D": "\r", "%0A": "\n", **(more or {}), "%25": "%"}.items():
        text = text.replace(escaped, sign)
    return text


def told(result):
    stream = io.StringIO()
    github.write_annotations(result, rows(result), stream)
    return commands(stream.getvalue())


def test_what_is_new_stands_at_its_line_and_known_debt_nowhere():
    found = told(everything())
    assert [kind for kind, _, _ in found] == ["error", "error", "error", "warning"]
    [at_a_line] = [properties for _, properties, _ in found if properties["file"] == "app/templates/list.html"]
    assert at_a_line == {"file": "app/templates/list.html", "line": "31", "title": "SQL001 csp-missing"}
    assert "GET /items/ items.index [owner]: one SELECT per item\n→ Use selectinload()." in [
        text for _, _, text in found
    ]
    assert not any("old debt" in text for _, _, text in found)


def test_a_pass_says_nothing():
    assert told(clean()) == []


@pytest.mark.parametrize("number", [10, 11, 500])
def test_ten_are_shown_and_the_rest_is_counted(number):
    findings = [Judged(lint(n, f"f({n})"), State.NEW) for n in range(number)]
    findings += [Judged(lint(n, f"g({n})", level=Level.WARN), State.NEW) for n in range(number)]
    found = told(decided(Result(findings=findings)))
    kinds = [kind for kind, _, _ in found]
    assert kinds == ["error"] * 10 + ["warning"] * 10 + ["notice"] * (number > 10)
    if number == 500:
        assert found[-1][2] == "and 490 errors and 490 warnings more: see the summary of this job"
    if number == 11:
        assert found[-1][2] == "and 1 error and 1 warning more: see the summary of this job"


def test_ten_rules_are_shown_before_ten_findings_of_one():
    findings = [Judged(lint(n, f"f({n})", rule="ruff:A1"), State.NEW) for n in range(20)]
    findings += [Judged(lint(3, f"g({n})", rule=f"ruff:B{n}"), State.NEW) for n in range(4)]
    findings.append(Judged(route("config X", rule="CFG001"), State.NEW))
    titles = [properties["title"].split()[0] for _, properties, _ in told(decided(Result(findings=findings)))]
    assert titles[:6] == ["ruff:A1", "ruff:B0", "ruff:B1", "ruff:B2", "ruff:B3", "CFG001"]
    assert titles[6:10] == ["ruff:A1"] * 4


def test_what_kept_the_run_from_its_end_comes_first():
    assert told(broken())[0][1]["title"] == "Seatrial: broken"
    assert told(inconclusive())[0][2] == "the canary was banned"
    assert told(stale())[0][1]["title"] == "CKE003 stale"


def test_hostile_text_is_neither_a_command_nor_a_property():
    stream = io.StringIO()
    github.write_annotations(hostile(), rows(hostile()), stream)
    lines = stream.getvalue().splitlines()
    found = commands(stream.getvalue())
    assert len(lines) == len(found)
    assert all(set(properties) <= {"file", "line", "title"} for _, properties, _ in found)
    [shown] = [properties for _, properties, _ in found if properties.get("line") == "7"]
    assert shown["file"] == "app/<b>&\"'`|,: views.py"
    assert "\x1b" not in stream.getvalue()


def test_a_log_that_knows_ascii_only_still_gets_its_annotations():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    github.write_annotations(everything(), rows(everything()), stream)
    stream.flush()
    assert b"\\u2192 Use selectinload()." in raw.getvalue()


def test_between_the_two_lines_nothing_is_read_as_a_command():
    stream = io.StringIO()
    with github.harmless(stream):
        stream.write("::error::from the app\n")
    first, middle, last = [one for one in stream.getvalue().splitlines() if one]
    token = first.removeprefix("::stop-commands::")
    assert len(token) == 32
    assert (middle, last) == ("::error::from the app", f"::{token}::")


def test_the_log_is_opened_again_after_a_crash():
    stream = io.StringIO()
    with pytest.raises(ZeroDivisionError), github.harmless(stream):
        raise ZeroDivisionError
    first, last = [one for one in stream.getvalue().splitlines() if one]
    assert last == f"::{first.removeprefix('::stop-commands::')}::"


def summary(result, path):
    return github.write_summary(result, rows(result), {github.VARIABLE: str(path)})


def test_the_summary_is_added_to_what_the_step_wrote(tmp_path: Path):
    file = tmp_path / "summary.md"
    file.write_text("# Build\n")
    assert summary(everything(), file) == ""
    text = file.read_text()
    assert text.startswith("# Build\n")
    assert "## Seatrial: BLOCKED" in text


@pytest.mark.parametrize("before", [0, 500_000, github.SUMMARY_BYTES - 3_000])
def test_the_summary_is_never_longer_than_github_takes(tmp_path: Path, before: int):
    file = tmp_path / "summary.md"
    file.write_text("x" * before)
    assert summary(many(3_000), file) == ""
    assert file.stat().st_size <= 1024 * 1024


def test_a_full_summary_is_left_alone_and_told(tmp_path: Path):
    file = tmp_path / "summary.md"
    file.write_text("x" * (github.SUMMARY_BYTES - 10))
    assert "as long as GitHub takes" in summary(everything(), file)
    assert file.stat().st_size == github.SUMMARY_BYTES - 10


def test_without_github_there_is_no_summary_and_a_way_out():
    assert "--markdown" in github.write_summary(everything(), rows(everything()), {})


def test_a_summary_that_cannot_be_written_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"Leave --github away"):
        summary(everything(), tmp_path / "file" / "summary.md")


def test_evil_is_evil():
    assert "::error::" in EVIL
    assert "\r" in EVIL
