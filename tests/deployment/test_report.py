"""The Markdown of a smoke: what a deployment answers is somebody else's text, in a comment that people read."""

import pytest
from markdown_it import MarkdownIt
from reports.samples import EVIL

from seatrial.model.findings import Check, Finding
from seatrial.model.outcomes import Level, Outcome, State
from seatrial.model.result import Judged, Result
from seatrial.smoke import report

READER = MarkdownIt("commonmark", {"html": True}).enable("table")


@pytest.mark.parametrize(
    "text", [EVIL, "|" * 900, "\\" * 399, "`" * 399 + "|"], ids=["evil", "bars", "slashes", "ticks"]
)
def test_what_a_deployment_answers_draws_nothing(text: str) -> None:
    finding = Finding("SMK002", "wrong-status", Level.BLOCK, f"GET /{text}", text)
    result = Result(findings=[Judged(finding, State.NEW)], inconclusive=[text])
    result.checks = [Check("SMK008", "deployment", Outcome.NOT_PROVED, text)]
    tokens = READER.parse(report.markdown(result, []))
    assert [token.type for token in tokens].count("tr_open") == 2
    assert [token.type for token in tokens].count("td_open") == 4
    inside = {child.type for token in tokens for child in token.children or ()}
    assert inside <= {"text", "html_inline", "strong_open", "strong_close", "softbreak", "hardbreak"}
    assert {t.content for token in tokens for t in token.children or () if t.type == "html_inline"} <= {"<!-- -->"}
    assert "@admin" not in report.markdown(result, [])
