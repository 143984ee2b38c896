"""JUnit XML as Jenkins and GitLab read it."""

from xml.etree import ElementTree as ET

import pytest
from reports.samples import ALL, ITEMS, LOGIN, broken, decided, everything, inconclusive, stale
from verdict.builders import check, route

from seatrial.model.outcomes import Level, Outcome, State
from seatrial.model.result import Judged, Result
from seatrial.reports.junit import to_xml, write


def parse(result):
    return ET.fromstring(to_xml(result).encode())


def cases(result):
    """(suite, classname, name) → (kind, message, text, system-out)."""
    found = {}
    for suite in parse(result):
        for case in suite:
            child = next((one for one in case if one.tag != "system-out"), None)
            out = case.findtext("system-out") or ""
            key = (suite.get("name"), case.get("classname"), case.get("name"))
            found[key] = ("pass", "", "", out)
            if child is not None:
                found[key] = (child.tag, child.get("message"), child.text, out)
    return found


@pytest.mark.parametrize("name", ALL)
def test_it_is_what_the_readers_expect(name):
    root = parse(ALL[name]())
    assert root.tag == "testsuites"
    for suite in root:
        assert suite.tag == "testsuite"
        assert suite.get("name")
        float(suite.get("time"))
        for case in suite:
            assert case.tag == "testcase"
            assert case.get("classname")
            assert case.get("name")
            # Jenkins allows one of these, then system-out.
            assert [one.tag for one in case] in ([], ["failure"], ["error"], ["skipped"], ["system-out"])
        for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(key)) == len(suite.findall(f"testcase/{tag}"))
        assert int(suite.get("tests")) == len(suite)
    for key in ("tests", "failures", "errors", "skipped"):
        assert int(root.get(key)) == sum(int(suite.get(key)) for suite in root)


@pytest.mark.parametrize("name", ALL)
def test_a_failure_or_error_is_there_exactly_when_the_command_fails(name):
    result = ALL[name]()
    root = parse(result)
    if name == "strict":
        # Not proved is skipped here whether or not proof was asked for: JUnit knows no third state.
        assert int(root.get("skipped")) > 0
        return
    assert bool(int(root.get("failures")) + int(root.get("errors"))) == (result.exit_code != 0)


def test_one_suite_per_family_and_tool():
    assert [suite.get("name") for suite in parse(everything())] == ["CSR", "HDR", "SQL", "mypy", "ruff"]


def test_every_outcome():
    found = cases(everything())
    assert found["SQL", "SQL001", LOGIN] == ("pass", "", "", "")
    kind, message, text, _ = found["SQL", "SQL001", ITEMS]
    assert (kind, message) == ("failure", "one SELECT per item")
    assert "app/templates/list.html:31: one SELECT per item" in text
    assert "remedy: Use selectinload()." in text
    assert found["SQL", "SQL005", ITEMS][:2] == ("skipped", "not proved: the growth did not reach it")
    assert found["CSR", "CSR001", "POST /logout x [owner]"][:2] == ("skipped", "skipped: skip list: /logout")
    assert found["HDR", "HDR001", "GET / i [anonymous]"] == ("pass", "", "", "[known debt] old debt")
    assert found["HDR", "HDR100", ITEMS][0] == "pass"
    assert "[info] grade D" in found["HDR", "HDR100", ITEMS][3]
    assert found["ruff", "ruff:S307", "app/views.py"][0] == "pass"
    assert found["mypy", "mypy", "runs to its end"][0] == "pass"


def test_broken_is_an_error():
    found = cases(broken())
    assert found["mypy", "mypy", "runs to its end"][:2] == ("error", "exit 2: invalid syntax")
    assert found["WHK", "WHK003", "webhook /hooks"][:2] == ("error", "the host ended with signal 11")


def test_what_concerns_the_whole_run():
    assert cases(stale())["baseline", "baseline.CKE003", ITEMS][0] == "failure"
    assert cases(inconclusive())["run", "run", "the canary was banned"][0] == "error"


def test_new_beside_known_fails_and_shows_both():
    finding = route(message="new one")
    result = decided(
        Result(
            findings=[Judged(route(message="old one"), State.KNOWN), Judged(finding, State.NEW)],
            checks=[check("HDR001", finding.subject)],
        )
    )
    kind, message, text, _ = cases(result)["HDR", "HDR001", finding.subject]
    assert (kind, message) == ("failure", "new one")
    assert "[known debt] old one" in text


def test_a_finding_without_a_check_is_not_lost():
    result = decided(Result(findings=[Judged(route("GET /alone a [o]"), State.NEW)]))
    assert cases(result)["HDR", "HDR001", "GET /alone a [o]"][0] == "failure"


def test_two_checks_of_one_question_report_its_findings_once():
    finding = route()
    result = decided(Result(findings=[Judged(finding, State.NEW)], checks=[check("HDR001", finding.subject)] * 2))
    assert parse(result).get("failures") == "1"


def test_illegal_characters_are_removed_and_the_rest_survives(tmp_path):
    nasty = "a\x00b\x1b[31mc\x0b\ud800d\ufffee <&>\"']]> ü 😀\r\n\tend"
    result = decided(
        Result(
            findings=[Judged(route(f"GET /{nasty}", message=nasty, level=Level.BLOCK), State.NEW)],
            checks=[check("HDR001", nasty, Outcome.NOT_PROVED, nasty)],
        )
    )
    path = tmp_path / "junit.xml"
    write(result, path)
    root = ET.fromstring(path.read_bytes())
    message = root.find(".//failure").get("message")
    assert message.startswith("ab[31mcde <&>\"']]> ü 😀")


def test_places_are_attributes():
    case = next(one for one in parse(everything()).iter("testcase") if one.get("classname") == "SQL001" and len(one))
    assert (case.get("file"), case.get("line")) == ("app/templates/list.html", "31")
