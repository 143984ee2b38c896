"""ARC: what stands in a view: how long it is, what it decides, how it reads and writes JSON."""

from collections import Counter
from collections.abc import Iterable

from seatrial.model.findings import Judgement, Place
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.model.structure import BRANCH, CALCULATION, LOOP, QUERY, WRITE, BlueprintViews, Piece, View
from seatrial.rules.registry import rule

SOURCE_READ = "the source of the view was read"
_SHOWN = 5
_WORDS = {
    LOOP: ("loop", "loops"),
    BRANCH: ("branch on what is no input", "branches on what is no input"),
    QUERY: ("query", "queries"),
    WRITE: ("write", "writes"),
    CALCULATION: ("calculation", "calculations"),
}


@rule(
    code="ARC001",
    name="routes-too-long",
    level=Level.WARN,
    claim="The view functions of a blueprint have 100 lines or fewer on average.",
    control="the source of a view of the blueprint was read",
    rationale="What a long view does can be tested through HTTP alone, and is written again where it is needed next.",
    source="M. Fowler, Patterns of Enterprise Application Architecture (2002), Transaction Script and Service Layer",
    remedy="Move what the longest of them do into services: parse, call, answer.",
    static=True,
)
def routes_too_long(rule: Rule, blueprint: BlueprintViews, context: Context) -> Judgement:
    read = sorted((view for view in blueprint.views if not view.unseen), key=lambda view: -view.lines)
    if not read:
        why = blueprint.views[0].unseen if blueprint.views else "no view of it was found; correct blueprints"
        return rule.not_proved(blueprint.subject, why)
    limit, total = context.limits.view_lines, sum(view.lines for view in read)
    average = total / len(read)
    if average <= limit:
        return rule.passed(blueprint.subject)
    longest = ", ".join(f"{_name(view)} {view.lines}" for view in read[:_SHOWN])
    counted = f"the only one of {blueprint.subject} has {total}"
    if len(read) > 1:
        counted = f"the {len(read)} of {blueprint.subject} average {average:.0f} ({total:,} lines; longest: {longest})"
    place = read[0].place
    return rule.failed(
        blueprint.subject,
        rule.finding(
            blueprint.subject,
            f"View functions of a blueprint must average {limit} lines or fewer but {counted}",
            # Without the line's text: the average is meant, and another view may become the longest.
            place=Place(place.path, place.line) if place is not None else None,
            evidence={
                "average": round(average, 1),
                "limit": limit,
                "views": [{"view": view.subject, "lines": view.lines} for view in read[:20]],
            },
        ),
    )


@rule(
    code="ARC002",
    name="route-not-thin",
    level=Level.WARN,
    claim="A view parses the request, calls a service and answers, and holds no business logic.",
    control=SOURCE_READ,
    rationale="Rules of the business that stand in a view cannot be called, reused or tested without a request.",
    source="A. Cockburn, Hexagonal Architecture (2005): the domain stands behind its adapters, and HTTP is one of them",
    remedy="Move the loops, decisions and writes into a service that takes plain values and returns a result.",
    static=True,
)
def route_not_thin(rule: Rule, view: View, context: Context) -> Judgement:
    if view.unseen:
        return rule.not_proved(view.subject, view.unseen)
    limit = context.limits.view_score
    if view.score <= limit:
        return rule.passed(view.subject)
    kinds = Counter(piece.kind for piece in view.logic)
    told = ", ".join(f"{kinds[kind]} {_WORDS[kind][kinds[kind] > 1]}" for kind in _WORDS if kinds[kind])
    return rule.failed(
        view.subject,
        rule.finding(
            view.subject,
            "A view must parse, call a service and answer but besides this one has "
            f"{told} (score {view.score}, limit {limit})",
            place=view.place,
            evidence={
                "score": view.score,
                "limit": limit,
                **{_WORDS[kind][1]: lines(p for p in view.logic if p.kind == kind) for kind in _WORDS if kinds[kind]},
            },
        ),
    )


@rule(
    code="ARC006",
    name="unvalidated-body",
    level=Level.WARN,
    claim="A view that reads a body validates it with a schema, and its JSON comes from a model or a typed shape.",
    control=SOURCE_READ,
    rationale="A body that is picked apart by hand is checked where somebody thought of it, and a 500 elsewhere.",
    source="OWASP ASVS 5.0 2.2.1 (input is validated positively) and 2.2.2 (at a trusted service layer)",
    remedy="Read the body through a form or a model, and answer with one; seatrial.kit.validation does both.",
    static=True,
)
def unvalidated_body(rule: Rule, view: View, _: Context) -> Judgement:
    if view.unseen:
        return rule.not_proved(view.subject, view.unseen)
    findings = []
    path = view.place.path if view.place is not None else ""
    if view.body and not view.validated:
        first = view.body[0]
        reads = ", ".join(dict.fromkeys(piece.what for piece in view.body[:_SHOWN]))
        findings.append(
            rule.finding(
                view.subject,
                f"A body must be validated with a schema but this view picks it apart by hand ({reads})",
                place=Place(path, first.line),
                detail="body",
                evidence={"reads": [{"line": piece.line, "what": piece.what} for piece in view.body]},
            )
        )
    if view.handmade:
        times = len(view.handmade)
        answers = "1 JSON answer is" if times == 1 else f"{times} JSON answers are"
        findings.append(
            rule.finding(
                view.subject,
                f"JSON must come from a model or a typed shape but {answers} put together in this view",
                remedy="Give the answer a shape: a pydantic model, a TypedDict, a dataclass that is turned into JSON.",
                place=Place(path, view.handmade[0].line),
                detail="json",
                evidence={"lines": lines(view.handmade)},
            )
        )
    if findings:
        return rule.failed(view.subject, *findings)
    if view.validated or view.typed_answer:
        return rule.passed(view.subject)
    return rule.skipped(view.subject, "it reads no body, and puts together no JSON")


def lines(pieces: Iterable[Piece]) -> list[int]:
    return list(dict.fromkeys(piece.line for piece in pieces))


def _name(view: View) -> str:
    return view.subject.rpartition(":")[2]
