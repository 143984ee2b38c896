"""SARIF: valid under the schema of OASIS, and what code scanning asks for beyond it."""

import json
import re
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from reports.samples import ALL, EVIL, broken, decided, everything, hostile, many, stale
from verdict.builders import lint, route

from seatrial import rules
from seatrial.model.findings import Place
from seatrial.model.outcomes import ExitCode, Level, State
from seatrial.model.result import Judged, Result
from seatrial.reports import sarif
from seatrial.reports.rows import rows

SCHEMA = Path(__file__).parent / "data" / "sarif-schema-2.1.0.json"


@cache
def validator():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema, format_checker=jsonschema.FormatChecker())


def mistakes(log):
    return [f"{error.json_path}: {error.message}"[:300] for error in validator().iter_errors(log)]


def log(result, prefix=""):
    return sarif.to_sarif(result, rows(result, prefix=prefix), prefix=prefix)


def run_of(result, prefix=""):
    [run] = log(result, prefix)["runs"]
    return run


@pytest.mark.parametrize("name", [*ALL, "hostile", "many"])
def test_every_log_is_valid(name):
    result = {**ALL, "hostile": hostile, "many": lambda: many(60)}[name]()
    assert mistakes(json.loads(json.dumps(log(result)))) == []


def test_the_schema_would_notice():
    bad = log(everything())
    bad["runs"][0]["results"][0]["level"] = "fatal"
    del bad["runs"][0]["results"][1]["message"]
    bad["runs"][0]["tool"]["driver"]["informationUri"] = "no address"
    assert len(mistakes(bad)) == 3


def test_every_result_names_its_rule_its_line_and_its_fingerprint():
    run = run_of(everything())
    described = run["tool"]["driver"]["rules"]
    assert len(run["results"]) == 6
    for result in run["results"]:
        assert described[result["ruleIndex"]]["id"] == result["ruleId"]
        [location] = result["locations"]
        artifact = location["physicalLocation"]["artifactLocation"]
        assert artifact["uriBaseId"] in run["originalUriBaseIds"]
        assert re.fullmatch(r"[\w./%-]+", artifact["uri"])
        assert re.fullmatch(r"[0-9a-f]{16}:\d+", result["partialFingerprints"]["seatrial/v1"])
        assert "primaryLocationLineHash" not in result["partialFingerprints"]
    [found] = [r for r in run["results"] if r["ruleId"] == "SQL001"]
    assert found["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 31,
        "snippet": {"text": "{{ i.supplier.name }}"},
    }
    assert found["message"]["text"].startswith(
        "GET /items/ items.index [owner]: one SELECT per item. Use selectinload()."
    )


def test_levels():
    levels = {result["ruleId"]: result["level"] for result in run_of(everything())["results"]}
    assert levels == {"SQL001": "error", "HDR001": "error", "ruff:S307": "warning", "HDR100": "note"}


def test_known_debt_is_unchanged_and_suppressed_and_the_rest_is_new():
    for result in run_of(everything())["results"]:
        known = "old debt" in result["message"]["text"]
        assert result["baselineState"] == ("unchanged" if known else "new")
        assert ("suppressions" in result) is known


def test_a_suppression_says_where_the_finding_is_known_from():
    """Debt of the base revision stands in no list, and no reader may be sent to look for its reason there."""
    result = everything()
    for target, known in (({}, "in the baseline"), ({"since": "main (1f0c)"}, "in the baseline or at main (1f0c)")):
        result.target = target
        told = [one["suppressions"][0]["justification"] for one in run_of(result)["results"] if "suppressions" in one]
        assert told == [f"known debt, {known}"]


def test_rules_of_ours_bring_their_page_and_those_of_tools_an_address():
    described = {rule["id"]: rule for rule in run_of(everything())["tool"]["driver"]["rules"]}
    ours = described["HDR001"]
    known = rules.find("HDR001")
    assert ours["shortDescription"]["text"] == known.claim
    assert ours["help"]["markdown"].startswith("# HDR001 ")
    assert not re.search(r"\]\((?!https?:)", re.sub(r"```.*?```", "", ours["help"]["markdown"], flags=re.DOTALL))
    assert described["ruff:S307"]["helpUri"] == "https://docs.astral.sh/ruff/rules/eval-used/"


def test_paths_begin_at_the_root_of_the_repository_and_are_addresses():
    place = Place("app/a b%.py", 3)
    result = decided(Result(findings=[Judged(route(place=place), State.NEW)]))
    [found] = run_of(result, "services/shop")["results"]
    artifact = found["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "services/shop/app/a%20b%25.py", "uriBaseId": "%SRCROOT%"}


def test_other_lines_of_the_evidence_are_related():
    [found] = run_of(many(1))["results"]
    assert "relatedLocations" not in found
    one = many(1).findings[0].finding
    elsewhere = Result(findings=[Judged(route(one.subject, place=Place("t.html", 9)), State.NEW)])
    object.__setattr__(elsewhere.findings[0].finding, "evidence", {"places": ["app/b.py:4"]})
    [found] = run_of(decided(elsewhere))["results"]
    assert found["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "app/b.py"


def test_a_broken_run_was_no_success_and_says_what_broke():
    [invocation] = run_of(broken())["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == ExitCode.BROKEN
    assert "mypy did not finish" in invocation["toolExecutionNotifications"][0]["message"]["text"]
    [invocation] = run_of(stale())["invocations"]
    assert invocation["executionSuccessful"] is True
    assert invocation["toolExecutionNotifications"][0]["level"] == "warning"


def test_a_message_makes_no_link_of_its_text():
    for result in run_of(hostile())["results"]:
        assert "](" not in result["message"]["text"]
    assert "](" in EVIL


def test_more_than_code_scanning_takes_is_cut_at_the_end_and_told(monkeypatch):
    monkeypatch.setattr(sarif, "MOST", 3)
    findings = [Judged(lint(n, f"f({n})", level=Level.WARN), State.NEW) for n in range(4)]
    findings.append(Judged(lint(9, "worst()"), State.NEW))
    run = run_of(decided(Result(findings=findings)))
    assert [result["level"] for result in run["results"]] == ["error", "warning", "warning"]
    [told] = run["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"] == "2 more findings are left out: a run may have 3 results"


def test_the_file_is_written(tmp_path: Path):
    sarif.write(everything(), rows(everything()), tmp_path / "seatrial.sarif")
    assert mistakes(json.loads((tmp_path / "seatrial.sarif").read_text())) == []
