"""ARC: URLs and endpoints: none bound twice, none that a link names and nobody serves."""

from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.model.structure import Binding, Link, LinkFile
from seatrial.rules.registry import rule


@rule(
    code="ARC007",
    name="duplicate-route",
    level=Level.WARN,
    claim="No method and rule is bound to two endpoints.",
    control="the URL of the endpoint was read",
    rationale="Only the first of them ever answers; whoever edits the other one wonders why nothing changes.",
    source="Werkzeug, URL Routing: of rules with the same weight the one that was added first matches",
    remedy="Delete the binding that never answers, or give it a URL of its own.",
    static=True,
)
def duplicate_route(rule: Rule, binding: Binding, _: Context) -> Judgement:
    if binding.unseen:
        return rule.not_proved(
            binding.subject, f"{binding.unseen}; seatrial check without --static reads the built app"
        )
    if len(binding.endpoints) == 1:
        return rule.passed(binding.subject)
    answers, *others = binding.endpoints
    shadowed = " and ".join(others)
    return rule.failed(
        binding.subject,
        rule.finding(
            binding.subject,
            f"A method and rule must have one endpoint but {binding.method} {binding.rule} is bound to {answers} and "
            f"{shadowed}, and {answers} always answers",
            place=binding.places[-1],
            evidence={
                "answers": answers,
                "never_answers": others,
                "places": [f"{place.path}:{place.line}" if place else "" for place in binding.places],
            },
        ),
    )


@rule(
    code="ARC008",
    name="dangling-endpoint",
    level=Level.BLOCK,
    claim="Every url_for in code and templates names an existing endpoint.",
    control="the file was read, and its endpoints could be told",
    rationale="A url_for without its endpoint is a BuildError: a page that is a 500 whenever that line is reached.",
    source="Flask, url_for: raises werkzeug.routing.BuildError where there is no such endpoint",
    remedy="Correct the name; seatrial routes lists the endpoints.",
    static=True,
)
def dangling_endpoint(rule: Rule, file: LinkFile, _: Context) -> Judgement:
    if file.unseen:
        return rule.not_proved(file.subject, f"{file.unseen}")
    dangling = {(link.place.line, link.endpoint): link for link in file.links if link.known is False}
    if dangling:
        return rule.failed(file.subject, *(_dangling(rule, file, link) for link in dangling.values()))
    unknown = sorted({link.endpoint for link in file.links if link.known is None})
    if unknown:
        shown = ", ".join(unknown[:3])
        return rule.not_proved(
            file.subject,
            f"the source alone does not tell whether there is {shown}; "
            "seatrial check without --static asks the built app",
        )
    if not file.links:
        return rule.skipped(file.subject, "it names no endpoint as text")
    return rule.passed(file.subject)


def _dangling(rule: Rule, file: LinkFile, link: Link) -> Finding:
    what = "the built app" if file.live else "the source"
    nearest = f"; the nearest is {link.nearest}" if link.nearest else ""
    if link.defined:
        nearest = f": the view at {link.defined} is not registered"
    return rule.finding(
        file.subject,
        f"url_for must name an endpoint but {what} has no {link.endpoint}{nearest}",
        place=link.place,
        detail=link.endpoint,
        evidence={"endpoint": link.endpoint, "nearest": link.nearest, "judged_by": what},
    )
