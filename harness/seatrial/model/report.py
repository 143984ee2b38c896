"""What one guard item brings home to whoever concludes."""

from dataclasses import dataclass, field

from seatrial.model.evidence import Exchange, OutboundCall
from seatrial.model.findings import Check, Finding
from seatrial.model.result import RouteRow


@dataclass(slots=True)
class Report:
    """What one guard item brought home."""

    checks: list[Check] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rows: list[RouteRow] = field(default_factory=list)
    visits: list[Exchange] = field(default_factory=list)
    """Measured pages, without headers: what budgets are lowered and recorded from."""
    outbound: list[OutboundCall] = field(default_factory=list)
    """What the app tried to reach on other machines, from lines of its own."""
    inconclusive: str = ""
    broken: str = ""
