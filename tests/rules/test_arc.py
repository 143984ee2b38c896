"""ARC and TYP on hand-made evidence, for what no specimen can show."""

import pytest
from rules.made import messages

from seatrial.model.evidence import Limits
from seatrial.model.findings import Place
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context
from seatrial.model.signatures import Callable_, Parameter, Table, Way, compared
from seatrial.model.structure import (
    BRANCH,
    LOOP,
    WRITE,
    Binding,
    BlueprintViews,
    Caller,
    Checking,
    Layer,
    Link,
    LinkFile,
    Outside,
    Piece,
    Signature,
    TableWrites,
    View,
)
from seatrial.rules import arc, typ
from seatrial.rules.arc import service_signature_changed

PLACE = Place("app/routes.py", 7, "def view():")


def view(lines: int = 10, *logic: Piece, **facts: object) -> View:
    return View("app.routes:view", "shop.view", "shop", PLACE, lines, tuple(logic), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(("lines", "outcome"), [((100, 100), "pass"), ((1, 199), "pass"), ((1, 200), "fail")])
def test_the_average_counts_and_not_the_longest(lines: tuple[int, ...], outcome: str) -> None:
    blueprint = BlueprintViews("blueprint shop", tuple(view(count) for count in lines))
    assert arc.routes_too_long(blueprint).outcome == outcome


def test_the_limits_are_those_of_the_configuration() -> None:
    blueprint = BlueprintViews("blueprint shop", (view(31),))
    assert arc.routes_too_long(blueprint, Context(Limits(view_lines=30))).outcome is Outcome.FAIL
    fat = view(10, *[Piece(BRANCH, n) for n in range(11)])
    assert arc.route_not_thin(fat).outcome is Outcome.FAIL
    assert arc.route_not_thin(fat, Context(Limits(view_score=11))).outcome is Outcome.PASS


def test_an_average_keeps_its_identity_while_another_view_becomes_the_longest() -> None:
    moved = Place("app/routes.py", 90, "def other():")
    before = arc.routes_too_long(BlueprintViews("blueprint shop", (view(300),))).findings[0]
    after = arc.routes_too_long(BlueprintViews("blueprint shop", (View("x", "x", "shop", moved, 400), view(300))))
    assert before.fingerprint == after.findings[0].fingerprint


def test_a_blueprint_of_which_nothing_was_read_proves_nothing() -> None:
    unseen = BlueprintViews("blueprint shop", (View("endpoint x", "x", unseen="made at run time"),))
    assert arc.routes_too_long(unseen).reason == "made at run time"
    assert "correct blueprints" in arc.routes_too_long(BlueprintViews("blueprint gone", ())).reason


def test_a_score_is_never_a_bare_number() -> None:
    pieces = [Piece(LOOP, n) for n in range(5)] + [Piece(WRITE, 9, "db.session.add()")]
    judgement = arc.route_not_thin(view(10, *pieces))
    assert "5 loops, 1 write (score 12, limit 10)" in messages(judgement)
    assert judgement.findings[0].evidence["loops"] == [0, 1, 2, 3, 4]


def test_what_was_seen_at_run_time_is_told_apart() -> None:
    calls = (Outside("api.example", "api.example", Place("app/routes.py", 9), observed=True),)
    judgement = arc.external_call_in_route(Caller("app.routes:view", PLACE, calls))
    assert "api.example (seen while the app ran, line 9)" in messages(judgement)
    assert judgement.findings[0].evidence["calls"][0]["seen"] == "while the app ran"


def test_of_three_endpoints_with_one_url_the_first_answers() -> None:
    binding = Binding("GET", "/x", ("a", "b", "c"), (None, None, PLACE), live=True)
    judgement = arc.duplicate_route(binding)
    assert judgement.subject == "GET /x c"
    assert "is bound to a and b and c, and a always answers" in messages(judgement)


def test_a_view_that_the_built_app_does_not_have_is_told() -> None:
    link = Link("shop.x", PLACE, known=False, nearest="shop.y", defined="app/x.py:3")
    judgement = arc.dangling_endpoint(LinkFile("app/routes.py", (link, link), live=True))
    assert messages(judgement) == (
        "url_for must name an endpoint but the built app has no shop.x: the view at app/x.py:3 is not registered"
    )


def test_the_source_alone_does_not_convict_what_it_cannot_know() -> None:
    judgement = arc.dangling_endpoint(LinkFile("a.html", (Link("admin.x", PLACE, known=None),)))
    assert judgement.outcome is Outcome.NOT_PROVED
    assert "seatrial check without --static" in judgement.reason


def test_a_table_without_a_writer_proves_nothing() -> None:
    assert "was not seen to write to it" in arc.write_outside_service(TableWrites("t", "s.py", "m:T")).reason
    assert "no model of t" in arc.write_outside_service(TableWrites("t", "s.py")).reason


def layer(typed: int, untyped: int, floor: tuple[int, int] | None = None, **facts: object) -> Layer:
    signatures = [Signature("a", PLACE, 1)] * typed + [Signature("b", PLACE, 1, ("return",))] * untyped
    return Layer("app.services", "app/services", tuple(signatures), floor=floor, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "untyped", "floor", "details"),
    [
        (8, 2, None, []),
        (79, 21, None, [""]),
        (9, 1, (9, 10), []),
        (18, 2, (9, 10), []),
        (89, 11, (9, 10), ["fell"]),
        (1, 9, (2, 10), ["", "fell"]),
        (1, 9, (1, 10), [""]),
    ],
)
def test_coverage_has_a_limit_and_a_ratchet(
    typed: int, untyped: int, floor: tuple[int, int] | None, details: list[str]
) -> None:
    judgement = typ.layer_coverage(layer(typed, untyped, floor))
    assert [finding.detail for finding in judgement.findings] == details
    assert len({finding.fingerprint for finding in judgement.findings}) == len(details)


def test_a_layer_that_was_not_read_as_a_whole_proves_nothing() -> None:
    assert typ.layer_coverage(layer(9, 0, unread=("x.py (line 1: oops)",))).outcome is Outcome.NOT_PROVED
    assert typ.layer_coverage(Layer("app.services", "app/services")).outcome is Outcome.NOT_PROVED


def test_strict_configuration_of_a_tool_that_is_not_run_proves_nothing() -> None:
    asked = Checking("app.services", "mypy.ini", PLACE, (), 3)
    assert typ.mypy_not_strict(asked).outcome is Outcome.PASS
    switched_off = Checking("app.services", "mypy.ini", PLACE, (), 3, runs=False)
    assert 'set mypy = "warn"' in typ.mypy_not_strict(switched_off).reason


def signature(*parameters: str, returns: str = "") -> Callable_:
    """`a`, `a=` (optional), `a:int`, `/a` (positional only), `*a` (by name only), `**` and `*` for the rest."""
    found = []
    for text in parameters:
        if text in ("*", "**"):
            found.append(Parameter(text, Way.MANY if text == "*" else Way.NAMED, optional=True))
            continue
        way = {"/": Way.POSITIONAL, "*": Way.KEYWORD}.get(text[0], Way.EITHER)
        name, _, annotation = text.lstrip("/*").rstrip("=").partition(":")
        found.append(Parameter(name, way, text.endswith("="), annotation))
    return Callable_("s:f", tuple(found), returns, PLACE)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (("a", "b="), ("a", "b="), []),
        (("a",), ("a", "b="), []),
        (("a",), ("a", "*b="), []),
        (("a",), ("a", "b"), ["b is new and has no default"]),
        (("a", "b"), ("a",), ["parameter b is gone"]),
        (("a",), ("c",), ["parameter a is gone (its place is taken by c)", "c is new and has no default"]),
        (("a", "b"), ("b", "a"), ["a is at place 2 and was at 1", "b is at place 1 and was at 2"]),
        (("a",), ("*a",), ["a can no longer be given by its place"]),
        (("a",), ("/a",), ["a can no longer be given by its name"]),
        (("/a",), ("/b",), []),
        (("a="), ("a="), []),
        (("a=",), ("a",), ["a has lost its default"]),
        (("a:int",), ("a:str",), ["a was int and is str"]),
        (("a",), ("a:int",), []),
        (("a", "**"), ("a",), ["**kwargs is no longer taken"]),
        (("a", "*b"), ("a", "**"), []),
        (("a", "b"), ("*", "**"), []),
    ],
)
def test_what_of_a_signature_callers_use(before: tuple[str, ...], after: tuple[str, ...], told: list[str]) -> None:
    [pair] = compared(Table({"s:f": signature(*before)}), Table({"s:f": signature(*after)}))
    judgement = service_signature_changed(pair)
    assert [change for finding in judgement.findings for change in finding.evidence["changes"]] == told
    assert (judgement.outcome is Outcome.PASS) is (told == [])


def test_services_that_are_gone_or_return_something_else() -> None:
    old = signature("a", returns="int")
    [gone] = compared(Table({"s:f": old}), Table({"s:new": old}))
    assert "it is gone" in messages(service_signature_changed(gone))
    [other] = compared(Table({"s:f": old}), Table({"s:f": signature("a", returns="str")}))
    assert "it returned int and returns str" in messages(service_signature_changed(other))
