"""GitLab Code Quality: the fields that its documentation asks for, and fingerprints that tell equal findings apart."""

import json
import re
from pathlib import Path

import pytest
from reports.samples import ALL, everything, hostile, many
from verdict.builders import lint

from seatrial.model.outcomes import State
from seatrial.model.result import Judged, Result
from seatrial.reports import gitlab
from seatrial.reports.rows import rows

SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


@pytest.mark.parametrize("name", [*ALL, "hostile", "many"])
def test_every_entry_has_what_gitlab_asks_for(name):
    result = {**ALL, "hostile": hostile, "many": lambda: many(300)}[name]()
    found = gitlab.to_list(rows(result))
    assert len(found) == len(result.findings)
    assert len({one["fingerprint"] for one in found}) == len(found)
    for one in found:
        assert set(one) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert one["severity"] in SEVERITIES
        assert one["description"]
        assert re.fullmatch(r"[0-9a-f]{32}", one["fingerprint"])
        assert one["location"]["lines"]["begin"] >= 1
        path = one["location"]["path"]
        assert path
        assert not path.startswith(("./", "/"))


def test_three_equal_findings_have_three_fingerprints_that_stay():
    def prints(*lines):
        found = [Judged(lint(at), State.NEW) for at in lines]
        return [one["fingerprint"] for one in gitlab.to_list(rows(Result(findings=found)))]

    assert len(set(prints(3, 9, 30))) == 3
    # Lines move, and what was there before keeps its fingerprint.
    assert set(prints(4, 10)) < set(prints(3, 9, 30))


def test_level_and_place():
    found = {one["check_name"]: one for one in gitlab.to_list(rows(everything()))}
    assert found["SQL001"]["severity"] == "critical"
    assert found["ruff:S307"]["severity"] == "minor"
    assert found["HDR100"]["severity"] == "info"
    assert found["SQL001"]["location"] == {"path": "app/templates/list.html", "lines": {"begin": 31}}
    assert found["SQL001"]["description"] == "SQL001 GET /items/ items.index [owner]: one SELECT per item"


def test_the_file_is_json_of_one_piece(tmp_path: Path):
    gitlab.write(rows(hostile()), tmp_path / "deep" / "codequality.json")
    assert json.loads((tmp_path / "deep" / "codequality.json").read_text()) == gitlab.to_list(rows(hostile()))
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["codequality.json"]
