"""What passive mode says of a log: TST001 is judged, everything else was seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from seatrial import rules
from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Level, Outcome
from seatrial.plugin.traffic import Log
from seatrial.rules import sql, tst


class Verdicts:
    """`levels` are those of `[tool.seatrial.rules]`; a rule that is off there says nothing here."""

    def __init__(self, log: Log, levels: dict[str, Level]) -> None:
        self._log, self._levels = log, levels
        self._judgements: list[Judgement] = []
        if self.level(tst.request_to_nowhere.code) is not Level.OFF:
            self._judgements = [tst.request_to_nowhere(run) for run in sorted(log.runs, key=lambda run: run.test)]

    def level(self, code: str) -> Level:
        rule = rules.find(code)
        return self._levels.get(code, rule.level if rule is not None else Level.INFO)

    @property
    def findings(self) -> list[Finding]:
        """Of TST001."""
        found = [finding for judgement in self._judgements for finding in judgement.findings]
        return [replace(finding, level=self.level(finding.rule)) for finding in found]

    @property
    def not_proved(self) -> list[Judgement]:
        """Tests whose strays could not be judged."""
        return [judgement for judgement in self._judgements if judgement.outcome is Outcome.NOT_PROVED]

    @property
    def routes(self) -> Counter[str]:
        """Routes on which a rule was seen to be broken, by its code."""
        return Counter(
            code
            for traffic in self._log.routes.values()
            for code, times in traffic.seen.items()
            if times and self.level(code) is not Level.OFF
        )

    @property
    def blocking(self) -> list[str]:
        """What fails a strict run: TST001 is proved, and a write that a GET has sent was sent."""
        writes = sql.write_on_safe_method.code
        found = [finding.rule for finding in self.findings] + [writes] * bool(self.routes[writes])
        return sorted({code for code in found if self.level(code) is Level.BLOCK})
