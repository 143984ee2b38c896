"""How this process grows while something is called again and again; nothing of it judges.

Pass 1 without tracing: bytes that malloc has given out (native code, and Python objects above 512 B), containers,
descriptors, threads. Pass 2 with tracemalloc: bytes on the own lines. No single number is enough: containers do not
show strings, malloc does not show small objects, and all traced bytes together drown in the warming up of libraries.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from seatrial.model.findings import Place
from seatrial.model.leaks import GrownLine, LeakTrial, Series
from seatrial.stats.leaks import LIMITS, persists, quiet

WARM_UP = 60
WINDOWS = (40, 80, 160, 320)
"""Calls; from the third on only while something grows."""
_STEPS = 16
"""Readings within the longest window: what grew by a jump is told from what grows with every call."""
_FRAMES = 40
"""Of an allocation that is asked which own line it was for."""
_SHOWN = 3

Call = Callable[[], None]
Own = Callable[[str, int], Place | None]
"""The place of a line where it is one of the app's own (`CallSites.at`)."""


def grow(
    subject: str,
    call: Call,
    own: Own,
    *,
    warm_up: int = WARM_UP,
    windows: Sequence[int] = WINDOWS,
    ignored: Iterable[str] = (),
) -> LeakTrial:
    """Both passes, and where something grew a third one that asks for whom.

    `ignored` names lines (`file.py:12`) whose memory is meant to stay.
    """
    made = [0]

    def counted() -> None:
        made[0] += 1
        call()

    left_out = frozenset(ignored)
    lines = _Lines(own, left_out)
    first, sizes = _pass(counted, _untraced, warm_up, windows)
    with _Tracing(1):
        second, more = _pass(counted, lambda: {"own": float(sum(lines.read().values()))}, warm_up, windows)
    grown = {series.name: series for series in (*first, *second)}
    growing = [name for name, one in grown.items() if persists(one.per_call, LIMITS[name], one.within)]
    found: tuple[GrownLine, ...] = ()
    if "own" in growing:
        found = lines.grown(windows[len(more) - 1], steps=max(1, len(grown["own"].within) - 1))
    elif growing:
        found = _asked_for(counted, own, left_out)
        if growing == ["heap"]:  # what warms up is not what leaks: a line must account for it
            found = tuple(line for line in found if line.bytes_per_call >= grown["heap"].per_call[-1] / 2)
    return LeakTrial(
        subject,
        calls=made[0],
        windows=max((sizes, more), key=len),
        series=tuple(grown.values()),
        lines=found,
        unseen="" if "heap" in grown else "native memory (pip install 'seatrial[memory]', on Linux with glibc)",
        ignored=tuple(sorted(left_out)),
    )


def _pass(
    call: Call, read: Callable[[], dict[str, float]], warm_up: int, windows: Sequence[int]
) -> tuple[tuple[Series, ...], tuple[int, ...]]:
    """Growth per call and window of every number, until nothing grows any more."""
    for _ in range(warm_up):
        call()
    gc.collect()
    last = read()
    grown: dict[str, list[float]] = {name: [] for name in last}
    within: dict[str, list[float]] = {}
    used = len(windows)
    for number, size in enumerate(windows):
        steps = _STEPS if number > 1 and number == len(windows) - 1 else 1
        within = {name: [value] for name, value in last.items()}
        for step in range(steps):
            for _ in range(size * step // steps, size * (step + 1) // steps):
                call()
            gc.collect()
            for name, value in read().items():
                within[name].append(value)
        for name, values in within.items():
            grown[name].append((values[-1] - values[0]) / size)
            last[name] = values[-1]
        if number and quiet(grown):
            used = number + 1
            break
    return tuple(_series(name, values, within[name]) for name, values in grown.items()), tuple(windows[:used])


def _series(name: str, per_call: Sequence[float], within: Sequence[float]) -> Series:
    """Rounded; what was held is told relative to the window's beginning."""
    held = tuple(round(value - within[0], 1) for value in within) if len(within) > 2 else ()
    return Series(name, tuple(round(value, 2) for value in per_call), held)


def _untraced() -> dict[str, float]:
    found = {"containers": float(len(gc.get_objects())), "threads": float(threading.active_count())}
    with contextlib.suppress(OSError):  # not Linux
        found["descriptors"] = float(len(os.listdir("/proc/self/fd")))
    used = _allocated()
    if used is not None:
        found["heap"] = used
    return found


def _allocated() -> float | None:
    """Bytes that malloc has given out, without the noise of pages; None where nobody tells."""
    try:
        heap = importlib.import_module("psutil").heap_info()
    except (ImportError, AttributeError, OSError):
        return None
    return float(heap.heap_used + heap.mmap_used)


class _Tracing:
    """tracemalloc for the length of a block, also where somebody else has it on already."""

    def __init__(self, frames: int) -> None:
        self._frames = frames

    def __enter__(self) -> None:
        self._before = tracemalloc.get_traceback_limit() if tracemalloc.is_tracing() else 0
        if self._before:
            tracemalloc.stop()
        tracemalloc.start(self._frames)

    def __exit__(self, *_: object) -> None:
        tracemalloc.stop()
        if self._before:
            tracemalloc.start(self._before)


class _Lines:
    """Bytes by own line, one reading after the other."""

    def __init__(self, own: Own, ignored: frozenset[str]) -> None:
        self._own, self._ignored = own, ignored
        self._known: dict[tuple[str, int], Place | None] = {}
        self._readings: list[Counter[Place]] = []

    def read(self) -> Counter[Place]:
        """Memory that is held, by the own line that stands nearest to the allocation."""
        found: Counter[Place] = Counter()
        for trace in tracemalloc.take_snapshot().traces:
            for frame in reversed(trace.traceback):
                place = self._place(frame.filename, frame.lineno)
                if place is not None:
                    found[place] += trace.size
                    break
        self._readings.append(found)
        return found

    def grown(self, *windows: int, steps: int = 1) -> tuple[GrownLine, ...]:
        """What grew in each of the last windows, whose calls and readings are given; the least of them counts."""
        least: dict[Place, float] = {}
        readings = self._readings[-len(windows) * steps - 1 :: steps]
        for number, calls in enumerate(windows):
            before, after = readings[number], readings[number + 1]
            grown = {place: (size - before[place]) / calls for place, size in after.items()}
            least = {p: min(size, least.get(p, size)) for p, size in grown.items() if not number or p in least}
        most = sorted(least.items(), key=lambda item: -item[1])[:_SHOWN]
        return tuple(GrownLine(place, round(size, 1)) for place, size in most if size > LIMITS["own"])

    def _place(self, file: str, line: int) -> Place | None:
        key = (file, line)
        if key not in self._known:
            place = self._own(file, line)
            hidden = place is not None and f"{place.path}:{place.line}" in self._ignored
            self._known[key] = None if hidden else place
        return self._known[key]


def _asked_for(call: Call, own: Own, ignored: frozenset[str]) -> tuple[GrownLine, ...]:
    """The own lines that libraries allocated for; the stacks are deep, so this is done only where it is needed."""
    lines = _Lines(own, ignored)
    with _Tracing(_FRAMES):
        for _ in range(WARM_UP // 2):
            call()
        for _ in range(2):
            gc.collect()
            lines.read()
            for _ in range(WARM_UP):
                call()
        gc.collect()
        lines.read()
    return lines.grown(WARM_UP, WARM_UP)
