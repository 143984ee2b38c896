"""How a process grows while the same call is made again and again."""

from dataclasses import dataclass, field

from seatrial.model.findings import Place


@dataclass(frozen=True, slots=True)
class Series:
    """One number of the process: its growth per call, in windows of escalating size."""

    name: str
    """`own` (bytes allocated on the app's own lines), `heap` (bytes that malloc has given out), `containers` (objects
    that the garbage collector tracks), `descriptors`, `threads`."""
    per_call: tuple[float, ...]
    within: tuple[float, ...] = ()
    """What was held at equal steps through the last window, where it came to the longest one."""


@dataclass(frozen=True, slots=True)
class GrownLine:
    """Memory that was allocated for a line of the app's and not given back."""

    place: Place
    bytes_per_call: float


@dataclass(frozen=True, slots=True)
class LeakTrial:
    """Two passes of the same call: without tracing, and with every allocation traced."""

    subject: str
    calls: int = 0
    """Of both passes."""
    windows: tuple[int, ...] = ()
    """Sizes; those behind the second were only measured where something still grew."""
    series: tuple[Series, ...] = ()
    lines: tuple[GrownLine, ...] = ()
    """Where the growth of the last window was allocated, most first; only where something grew."""
    unseen: str = ""
    """What could not be measured, and what would help; or why the call itself could not be made."""
    failure: str = ""
    """Why the trial ended early, with its way out; or empty."""
    ignored: tuple[str, ...] = field(default_factory=tuple)
    """Lines (`file.py:12`) that were left out on request."""
