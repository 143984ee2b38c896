"""ERR006 on hand-made evidence."""

import pytest

from seatrial.model.evidence import Exchange
from seatrial.model.findings import Judgement
from seatrial.model.inventory import Route
from seatrial.model.markup import Mark, MarkupTrial, Shown
from seatrial.model.outcomes import Outcome
from seatrial.rules import err

MARK = Mark("z0a", "text", "POST /notes", "form")
BROKEN = Shown(MARK, "an element")
PAGE = Route("GET", "/", "home", path="/", module_path="app.py", line=9)


def markup(status: int = 200, *shown: Shown, kind: str = "text/html", route: Route = PAGE, **more: int) -> Judgement:
    headers = (("Location", "/login"),) if 300 <= status < 400 else ()
    answer = Exchange(route, "owner", route.path, status, headers=headers, content_type=kind, template="home.html")
    return err.unescaped_markup(MarkupTrial(answer, shown, **({"sent": 3, "back": 2} | more)))


@pytest.mark.parametrize(
    ("judgement", "outcome"),
    [
        (markup(200, BROKEN), Outcome.FAIL),
        (markup(400, BROKEN), Outcome.FAIL),
        (markup(200, Shown(MARK)), Outcome.PASS),
        (markup(200, Shown(MARK), BROKEN), Outcome.FAIL),
        (markup(200), Outcome.SKIPPED),
        (markup(200, back=0), Outcome.NOT_PROVED),
        (markup(200, kind="application/json"), Outcome.SKIPPED),
        (markup(302), Outcome.NOT_PROVED),
        (markup(302, route=Route("POST", "/notes", "add", path="/notes")), Outcome.SKIPPED),
        (markup(0, route=Route("POST", "/notes", "add", path="/notes")), Outcome.SKIPPED),
        (markup(0, route=Route("GET", "/<x>", "x", unresolved=("x",))), Outcome.NOT_PROVED),
        (markup(0, route=Route("GET", "/x", "x", path="/x", skipped="skip = '/x'")), Outcome.SKIPPED),
    ],
)
def test_markup(judgement: Judgement, outcome: Outcome) -> None:
    assert judgement.outcome is outcome, judgement.reason


def test_markup_names_the_field_the_request_and_the_view() -> None:
    [finding] = markup(200, BROKEN, Shown(Mark("z0b", "name", "POST /notes", "json")), BROKEN).findings
    assert finding.message.endswith("'text' of POST /notes has become an element and 1 more")
    assert finding.evidence["escaped"] == ["name"]
    assert finding.place is not None
    assert (finding.place.path, finding.place.line) == ("app.py", 9)
