"""The catalogue: every rule registers itself here by being decorated."""

from collections.abc import Callable, Iterator
from typing import Any

from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule

_catalogue: dict[str, Rule] = {}


def rule(
    *,
    code: str,
    name: str,
    level: Level,
    claim: str,
    control: str,
    rationale: str,
    source: str,
    remedy: str,
    passive: bool = False,
    static: bool = False,
    command: str = "",
) -> Callable[[Callable[[Rule, Any, Context], Judgement]], Rule]:
    """Turn `judge(rule, evidence, context) -> Judgement` into a registered `Rule`.

    Raises:
        ValueError: The code is taken; codes never change meaning.
    """

    def register(judge: Callable[[Rule, Any, Context], Judgement]) -> Rule:
        if code in _catalogue:
            raise ValueError(f"rule code {code} is registered twice")
        entry = Rule(code, name, level, claim, control, rationale, source, remedy, judge, passive, static, command)
        _catalogue[code] = entry
        return entry

    return register


def registered() -> Iterator[Rule]:
    """All rules in order of their codes. `seatrial.rules` imports every family, so import that first."""
    return iter(sorted(_catalogue.values(), key=lambda entry: entry.code))


def find(code: str) -> Rule | None:
    return _catalogue.get(code)
