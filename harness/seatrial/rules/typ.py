"""TYP: the types of the service layer, by its signatures, and what mypy is told to ask of it."""

from seatrial.model.findings import Judgement, Place
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.model.structure import Checking, Layer, Signature
from seatrial.rules.registry import rule

READ = "the file with the signature was read"


@rule(
    code="TYP001",
    name="untyped-service-method",
    level=Level.BLOCK,
    claim="Every callable of the service layer is fully annotated.",
    control=READ,
    rationale="Nothing inside of a function without annotations is checked, and callers learn nothing from it.",
    source="PEP 484; mypy, disallow_untyped_defs and disallow_incomplete_defs",
    remedy="Annotate every parameter and the return.",
    static=True,
)
def untyped_service_method(rule: Rule, signature: Signature, _: Context) -> Judgement:
    if signature.unseen:
        return rule.not_proved(signature.subject, signature.unseen)
    if signature.typed:
        return rule.passed(signature.subject)
    annotated = signature.slots - len(signature.missing)
    return rule.failed(
        signature.subject,
        rule.finding(
            signature.subject,
            f"A service callable must be fully annotated but {annotated} of its {signature.slots} slots are; "
            f"missing: {', '.join(signature.missing)}",
            place=signature.place,
            evidence={
                "slots": signature.slots,
                "missing": list(signature.missing),
                "any": list(signature.any_slots),
            },
        ),
    )


@rule(
    code="TYP002",
    name="layer-coverage",
    level=Level.BLOCK,
    claim="At least 80 % of the callables of a service layer are fully annotated, and never fewer than before.",
    control="every file of the layer was read",
    rationale="Types hold where they are dense: one untyped function in the middle makes everything behind it Any.",
    source="PEP 484; counted over whole signatures, as mypy's own report counts a half-annotated function as annotated",
    remedy="Annotate the callables that TYP001 lists, the most called first.",
    static=True,
)
def layer_coverage(rule: Rule, layer: Layer, context: Context) -> Judgement:
    if layer.unread:
        return rule.not_proved(layer.subject, f"not every file could be read: {layer.unread[0]}; mend it")
    count, typed, limit = layer.callables, layer.typed, context.limits.typed_percent
    if not count:
        return rule.not_proved(layer.subject, f"no callable was found in {layer.path}; correct services")
    annotated, slots = layer.slots
    evidence = {
        "typed": typed,
        "callables": count,
        "percent": round(100 * typed / count, 1),
        "slots_percent": round(100 * annotated / slots, 1) if slots else 100.0,
        "any_slots": sum(len(signature.any_slots) for signature in layer.signatures),
    }
    told = f"{typed} of {count} are ({100 * typed / count:.1f} %; {annotated} of {slots} slots)"
    findings = []
    if typed * 100 < limit * count:
        findings.append(
            rule.finding(
                layer.subject,
                f"At least {limit} % of the callables of a service layer must be fully annotated but {told}",
                place=Place(layer.path, 1),
                evidence=evidence,
            )
        )
    if layer.floor is not None and typed * layer.floor[1] < layer.floor[0] * count:
        before, of = layer.floor
        findings.append(
            rule.finding(
                layer.subject,
                f"Coverage of a service layer must not fall but {told}, and {before} of {of} were "
                f"({100 * before / of:.1f} %)",
                place=Place(layer.path, 1),
                detail="fell",
                evidence={**evidence, "before": {"typed": before, "callables": of}},
            )
        )
    return rule.failed(layer.subject, *findings) if findings else rule.passed(layer.subject)


@rule(
    code="TYP003",
    name="untyped-shape",
    level=Level.WARN,
    claim="Services return a TypedDict, a dataclass or a model, not dict or Any.",
    control=READ,
    rationale="The keys of a plain dict are a secret between the one who fills it and the one who reads it.",
    source="PEP 589 (TypedDict), PEP 557 (dataclasses)",
    remedy="Name the shape: a frozen dataclass, a TypedDict or a pydantic model with the same fields.",
    static=True,
)
def untyped_shape(rule: Rule, signature: Signature, _: Context) -> Judgement:
    if signature.unseen:
        return rule.not_proved(signature.subject, signature.unseen)
    if not signature.public:
        return rule.skipped(signature.subject, "private: no caller outside of its module sees what it returns")
    if signature.loose:
        what = f"this one returns {signature.returns}"
    elif not signature.returns and signature.literal:
        what = f"this one returns a dict with named keys at line {signature.literal}"
    elif not signature.returns:
        return rule.not_proved(signature.subject, "its return is not annotated (TYP001)")
    else:
        return rule.passed(signature.subject)
    return rule.failed(
        signature.subject,
        rule.finding(
            signature.subject,
            f"A service must return a shape with names and types but {what}",
            place=signature.place,
            evidence={"returns": signature.returns, "loose": signature.loose or "dict"},
        ),
    )


@rule(
    code="TYP004",
    name="mypy-not-strict",
    level=Level.WARN,
    claim="On the services mypy runs with disallow_untyped_defs and disallow_incomplete_defs.",
    control="mypy's configuration was read, and its gate is on",
    rationale="Annotations that nothing checks are comments: they say what was true once.",
    source="mypy, The mypy configuration file: per-module options, and which of its homes and sections win",
    remedy="Switch both on for the services; seatrial init --mypy writes the block.",
    static=True,
)
def mypy_not_strict(rule: Rule, checking: Checking, _: Context) -> Judgement:
    if checking.unseen:
        return rule.not_proved(checking.subject, checking.unseen)
    if not checking.modules:
        return rule.not_proved(checking.subject, "no module of it can be imported by a name; correct services")
    if not checking.lax:
        if checking.runs:
            return rule.passed(checking.subject)
        return rule.not_proved(checking.subject, 'mypy is not run; set mypy = "warn" in [tool.seatrial.gates]')
    if not checking.home:
        told = "nothing configures it"
    else:
        lacking = ", ".join(dict.fromkeys(option for _, options in checking.lax for option in options))
        wrong = "are ignored (ignore_errors)" if lacking == "ignore_errors" else f"lack {lacking}"
        told = f"in {checking.home} {len(checking.lax)} of {checking.modules} modules {wrong}"
    return rule.failed(
        checking.subject,
        rule.finding(
            checking.subject,
            f"mypy must refuse definitions without types in services but {told}",
            place=checking.place,
            evidence={
                "home": checking.home,
                "modules": {name: list(options) for name, options in checking.lax[:20]},
            },
        ),
    )
