"""The published shape, held by the published schema."""

import json
import random
from dataclasses import replace

import jsonschema
import pytest
from reports.samples import ALL, broken, decided, everything
from verdict.builders import lint, route

from seatrial.model.findings import Place
from seatrial.model.outcomes import State
from seatrial.model.result import Judged, Result
from seatrial.reports.json_report import dumps, schema, to_json, write

KEYS = {
    "": "seatrial verdict exit_code target elapsed_s outcomes findings checks routes tools stale notes broken "
    "inconclusive",
    "outcomes": "pass fail not_proved skipped broken",
    "findings": "rule name level state subject path line message evidence remedy fingerprint",
    "checks": "rule subject outcome reason",
    "routes": "method rule endpoint identity status statements rows elapsed_ms",
    "tools": "name version state findings elapsed_s",
    "stale": "kind rule subject message",
}


def validate(document):
    jsonschema.Draft202012Validator(schema()).validate(document)


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", ALL)
def test_every_result_follows_the_schema(name):
    validate(json.loads(dumps(ALL[name]())))


def test_the_keys_are_those_of_the_design_in_its_order():
    result = everything()
    result.stale = ALL["stale"]().stale
    document = to_json(result)
    for name, keys in KEYS.items():
        part = document if not name else document[name]
        assert list(part[0] if isinstance(part, list) else part) == keys.split(), name


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("verdict",), "ok"),
        (("exit_code",), 6),
        (("exit_code",), 0),
        (("elapsed_s",), -1),
        (("findings", 0, "level"), "error"),
        (("findings", 0, "state"), "fixed"),
        (("findings", 0, "fingerprint"), "XYZ"),
        (("findings", 0, "line"), "3"),
        (("checks", 0, "outcome"), "error"),
        (("tools", 0, "state"), "failed"),
        (("outcomes", "pass"), None),
    ],
)
def test_the_schema_refuses(path, value):
    document = to_json(everything())
    part = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        validate(document)


@pytest.mark.parametrize("key", KEYS[""].split())
def test_no_key_may_be_missing(key):
    document = to_json(everything())
    del document[key]
    with pytest.raises(jsonschema.ValidationError):
        validate(document)


def test_path_and_line_come_from_the_place_or_are_null():
    result = Result(findings=[Judged(lint(7), State.NEW), Judged(route(), State.KNOWN)])
    found = {one["rule"]: (one["path"], one["line"], one["state"]) for one in to_json(result)["findings"]}
    assert found == {"ruff:S307": ("app/views.py", 7, "new"), "HDR001": (None, None, "known")}


def test_every_check_is_there_with_its_outcome():
    document = to_json(everything())
    assert len(document["checks"]) == 9 == sum(document["outcomes"].values())
    assert [one["reason"] for one in document["checks"] if one["outcome"] == "skipped"] == ["skip list: /logout"]


def test_a_broken_tool_is_among_the_broken_once():
    result = broken()
    assert to_json(result)["broken"] == ["mypy did not finish: exit 2: invalid syntax"]
    result.broken = ["mypy: exit 2: invalid syntax"]
    assert to_json(result)["broken"] == ["mypy: exit 2: invalid syntax"]


def test_the_order_of_work_does_not_show():
    expected = dumps(everything())
    for seed in range(5):
        result = everything()
        for part in (result.findings, result.checks, result.routes, result.tools):
            random.Random(seed).shuffle(part)
        assert dumps(result) == expected


@pytest.mark.parametrize("value", [{}, [], 2**80, -1, 0.1 + 0.2, -0.0, 'ü\u2028\x7f\x00"\\', "\udce9", None, True])
def test_the_text_is_that_of_json_with_two_blanks(value):
    found = replace(route("GET /a a [o]"), evidence={"value": value, "in": [value, {"ä": value}]})
    result = decided(Result(findings=[Judged(found, State.NEW)]))
    document = to_json(result)
    assert dumps(result) == json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    assert document["findings"][0]["evidence"]["value"] == value


def test_a_file_is_written_whole_and_in_utf_8(tmp_path):
    result = decided(Result(findings=[Judged(route("GET /\udce9 ü [o]", place=Place("a\ud800.py", 1)), State.NEW)]))
    path = tmp_path / "deep" / "result.json"
    write(result, path)
    document = json.loads(path.read_bytes().decode("utf-8"))
    assert document["findings"][0]["subject"] == "GET /\udce9 ü [o]"
    assert "ü" in path.read_text("utf-8")
    assert [path] == list(path.parent.iterdir())
