"""Public services of two revisions: what callers of the base would trip over at head."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seatrial.model.signatures import Compared, compared
from seatrial.source import folders
from seatrial.source.files import find
from seatrial.source.services import table

NO_SERVICES = 'signatures were not compared: no folder of services was found; set services = ["app/services"]'


def compare(base: Path, head: Path, services: Sequence[str]) -> tuple[tuple[Compared, ...], str]:
    """(every public service callable of the base, why there are none or empty). Without `services`: as folders say."""
    layers = tuple(services) or tuple(folders.guess(find(head).python, folders.SERVICES))
    if not layers:
        return (), NO_SERVICES
    return compared(table(base, layers), table(head, layers)), ""
