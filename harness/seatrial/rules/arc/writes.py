"""ARC: writes to a table that has a canonical service."""

from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.model.structure import TableWrites
from seatrial.rules.registry import rule


@rule(
    code="ARC010",
    name="write-outside-service",
    level=Level.WARN,
    claim="Writes to a configured table go through its canonical service.",
    control="the model of the table was found, and the service writes to it",
    rationale="A second place that writes to a table does not do what the first one always does: history, locks, sums.",
    source="E. Evans, Domain-Driven Design (2003), Aggregates: one root guards what belongs together",
    remedy="Call the canonical service; where it cannot do what is needed, teach it.",
    static=True,
)
def write_outside_service(rule: Rule, table: TableWrites, _: Context) -> Judgement:
    if not table.model:
        return rule.not_proved(table.subject, f"no model of {table.table} was found; correct [tool.seatrial.canonical]")
    if table.outside:
        return rule.failed(
            table.subject,
            *(
                rule.finding(
                    table.subject,
                    f"{table.table} must be written by {table.service} alone but {subject} writes it: {piece.what}",
                    place=place,
                    detail=f"{subject} {piece.what}",
                    evidence={"writer": subject, "what": piece.what, "service": table.service, "model": table.model},
                )
                for subject, piece, place in table.outside
            ),
        )
    if not table.inside:
        return rule.not_proved(
            table.subject, f"{table.service} was not seen to write to it; correct [tool.seatrial.canonical]"
        )
    return rule.passed(table.subject)
