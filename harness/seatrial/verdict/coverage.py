"""`.seatrial/coverage.tsv`: how much of each service layer was annotated at best. It only rises, by itself."""

import platform
from collections.abc import Mapping
from pathlib import Path

from seatrial import __version__
from seatrial.verdict import table
from seatrial.verdict.files import write_atomic

TITLE = "seatrial coverage: fully annotated callables of each service layer. Rises by itself, never falls."
COLUMNS = ("layer", "typed", "callables")
VERSION_KEY = "coverage_version"
VERSION = 1
WAY_OUT = "Restore the file with `git checkout -- .seatrial/coverage.tsv`, or delete it and run `seatrial check`."
READ_ONLY = "Run `seatrial check` where the checkout can be written and commit the file."

Floors = Mapping[str, tuple[int, int]]
"""(typed, callables) by layer."""


def load(path: Path) -> Floors:
    """A missing file holds none.

    Raises:
        ConfigurationError: The file is damaged or of an unknown version.
    """
    read = table.parse(path, COLUMNS, version_key=VERSION_KEY, version=VERSION, way_out=WAY_OUT)
    floors: dict[str, tuple[int, int]] = {}
    for row in read.rows if read is not None else ():
        layer, *texts = row.fields
        typed, callables = (table.positive(text) for text in texts)
        if typed is None or not callables or typed > callables:
            raise table.damaged(path, row.number, f"`{' '.join(texts)}` are not typed and callables", WAY_OUT)
        if layer in floors:
            raise table.damaged(path, row.number, f"a second line for {layer}", "Delete the one with the lower share.")
        floors[layer] = (typed, callables)
    return floors


def risen(floors: Floors, measured: Floors) -> Floors:
    """The higher share of each layer; a layer that was not measured keeps its own."""
    found = dict(floors)
    for layer, (typed, callables) in measured.items():
        before = floors.get(layer)
        if callables and (before is None or typed * before[1] >= before[0] * callables):
            found[layer] = (typed, callables)
    return found


def save(path: Path, floors: Floors) -> bool:
    """Write in one step; say whether anything was written.

    Raises:
        ConfigurationError: The file on disk is damaged, or the place cannot be written.
    """
    if dict(load(path)) == dict(floors):
        return False
    header = {VERSION_KEY: str(VERSION), "python": platform.python_version(), "seatrial": __version__}
    rows = [(layer, str(typed), str(callables)) for layer, (typed, callables) in sorted(floors.items())]
    write_atomic(path, table.render(TITLE, header, COLUMNS, rows), way_out=READ_ONLY)
    return True
