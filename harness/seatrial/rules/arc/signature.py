"""ARC: the signatures of services from one revision to the next."""

from collections.abc import Iterator

from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.model.signatures import Callable_, Compared, Parameter, Way
from seatrial.rules.registry import rule

_BY_PLACE = frozenset({Way.POSITIONAL, Way.EITHER})
_BY_NAME = frozenset({Way.EITHER, Way.KEYWORD})


@rule(
    code="ARC009",
    name="service-signature-changed",
    level=Level.INFO,
    claim="Public service signatures keep what callers use.",
    control="the module was read in both revisions",
    rationale="A caller that is not in this repository, or in a branch, finds out when it runs.",
    source="Semantic Versioning 2.0.0: what callers rely on is the public API",
    remedy="Keep the old parameter with a default, or change all callers in the same commit.",
    command="compare",
)
def service_signature_changed(rule: Rule, pair: Compared, _: Context) -> Judgement:
    if pair.unread:
        return rule.not_proved(pair.subject, f"{pair.unread} cannot be parsed: mend it, and compare again")
    if pair.after is None:
        changes = ["it is gone"]
    else:
        changes = list(changed(pair.before, pair.after))
    if not changes:
        return rule.passed(pair.subject)
    place = pair.after.place if pair.after is not None else pair.before.place
    return rule.failed(
        pair.subject,
        rule.finding(
            pair.subject,
            f"A public service signature must keep what callers use but {'; '.join(changes)}",
            place=place,
            evidence={"changes": changes},
        ),
    )


def changed(before: Callable_, after: Callable_) -> Iterator[str]:
    """What a caller of the old signature may trip over. New optional parameters at the end are none of that."""
    old, new = {p.name: p for p in before.parameters}, {p.name: p for p in after.parameters}
    takes_any_name = any(p.way is Way.NAMED for p in after.parameters)
    takes_any_place = any(p.way is Way.MANY for p in after.parameters)
    for name, parameter in old.items():
        follower = new.get(name)
        if follower is None:
            renamed = _at(after, before.parameters.index(parameter)) if parameter.way in _BY_PLACE else None
            if parameter.way in (Way.MANY, Way.NAMED):
                yield f"{parameter.way.value} is no longer taken"
            elif parameter.way in _BY_NAME and not takes_any_name:
                became = f" (its place is taken by {renamed.name})" if renamed and renamed.name not in old else ""
                yield f"parameter {name} is gone{became}"
            elif parameter.way is Way.POSITIONAL and renamed is None and not takes_any_place:
                yield f"parameter {name} is gone"
            continue
        if parameter.way in _BY_PLACE and follower.way not in _BY_PLACE and not takes_any_place:
            yield f"{name} can no longer be given by its place"
        if parameter.way in _BY_NAME and follower.way not in _BY_NAME and not takes_any_name:
            yield f"{name} can no longer be given by its name"
        if parameter.optional and not follower.optional:
            yield f"{name} has lost its default"
        if parameter.annotation and parameter.annotation != follower.annotation:
            yield f"{name} was {parameter.annotation} and is {follower.annotation or 'not annotated'}"
    yield from _moved(before, after)
    for name, parameter in new.items():
        free = parameter.optional or parameter.way in (Way.MANY, Way.NAMED)
        taken_over = parameter.way is Way.POSITIONAL and _at(before, after.parameters.index(parameter)) is not None
        if name not in old and not free and not taken_over:
            yield f"{name} is new and has no default"
    if before.returns and before.returns != after.returns:
        yield f"it returned {before.returns} and returns {after.returns or 'something without annotation'}"


def _moved(before: Callable_, after: Callable_) -> Iterator[str]:
    """Parameters that callers give by place, in another order."""
    were = [p.name for p in before.parameters if p.way in _BY_PLACE]
    are = [p.name for p in after.parameters if p.way in _BY_PLACE]
    for name in were:
        if name in are and are.index(name) != were.index(name):
            yield f"{name} is at place {are.index(name) + 1} and was at {were.index(name) + 1}"


def _at(signature: Callable_, place: int) -> Parameter | None:
    placed = [p for p in signature.parameters if p.way in _BY_PLACE]
    return placed[place] if place < len(placed) else None
