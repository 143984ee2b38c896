"""Earlier runs on a page: findings over runs, and what each route sent in each of them."""

from collections.abc import Sequence

from seatrial.model.outcomes import ExitCode
from seatrial.reports.charts import Chart, Line
from seatrial.verdict.history import Run

SHOWN = 20
"""Runs of a sparkline and of the table."""


def chart(runs: Sequence[Run]) -> str:
    """SVG of blocking, warnings and known debt over the runs; empty before there are two."""
    if len(runs) < 2:
        return ""
    last = runs[-1]

    def line(name: str, values: Sequence[int]) -> Line:
        return Line(name, name, [(float(n), float(value)) for n, value in enumerate(values, start=1)], dots=True)

    every = max(len(runs) // 8, 1)
    return Chart(
        title=f"Findings over {len(runs)} runs; the last: {last.blocking} blocking, {last.warnings} warnings, "
        f"{last.known} known",
        x_name="runs, the last one at the right",
        y_name="findings",
        lines=(
            line("known", [run.known for run in runs]),
            line("warnings", [run.warnings for run in runs]),
            line("blocking", [run.blocking for run in runs]),
        ),
        x_ticks=[(float(n), str(n)) for n in range(1, len(runs) + 1) if n == len(runs) or (n - 1) % every == 0],
        x_from=1.0,
        x_to=float(len(runs)),
        linear=True,
    ).svg()


def table(runs: Sequence[Run]) -> list[tuple[Run, str]]:
    """(run, name of its exit code), the latest first."""
    return [(run, _name(run.exit_code)) for run in reversed(runs[-SHOWN:])]


def statements(runs: Sequence[Run], subject: str) -> list[int | None]:
    """Statements of a route in the last runs, the oldest first; None where it was not measured."""
    return [run.statements.get(subject) for run in runs[-SHOWN:]]


def _name(code: int) -> str:
    try:
        return ExitCode(code).name.lower()
    except ValueError:
        return str(code)
