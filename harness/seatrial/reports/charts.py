"""Pictures of numbers as inline SVG: no script, no font and no file from elsewhere, and readable in print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 14, 40


@dataclass(frozen=True, slots=True)
class Line:
    """One curve. `style` is a class of the page's style sheet (`intended`, `blocking`; see `look`)."""

    name: str
    style: str
    points: Sequence[tuple[float, float]]
    """In order of x; what is infinite in y is left out of the picture and breaks the line."""
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Axes, curves, and a limit across."""

    title: str
    x_name: str
    y_name: str
    lines: Sequence[Line]
    x_ticks: Sequence[tuple[float, str]]
    limit: float | None = None
    x_from: float = 0.0
    x_to: float = 1.0
    marks: Sequence[float] = field(default_factory=tuple)
    """x at which requests failed: small crosses at the upper edge."""
    unit: str = "ms"
    """Of the limit."""
    linear: bool = False
    """Never logarithmic: a slope is to be seen as one."""

    def svg(self) -> str:
        values = [y for line in self.lines for _, y in line.points if math.isfinite(y)]
        top = max([*values, self.limit or 0.0, 1.0])
        low = min([value for value in values if value > 0] or [1.0])
        scale = _Scale(low, top, logarithmic=not self.linear and top / max(low, 0.1) > 40)
        parts = [
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title, quote=True)}">',
            f"<title>{escape(self.title)}</title>",
        ]
        for value in scale.ticks:
            y = scale.y(value)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(value)}</text>')
        for x, label in self.x_ticks:
            at = self._x(x)
            parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
            anchor = "end" if at > WIDTH - RIGHT - 12 else "middle"
            parts.append(
                f'<text class="tick" x="{at:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="{anchor}">'
                f"{escape(label)}</text>"
            )
        if self.limit is not None:
            y = scale.y(self.limit)
            parts.append(f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(
                f'<text class="limit-name" x="{LEFT + 4}" y="{y - 4:.1f}">limit {_short(self.limit)} {self.unit}</text>'
            )
        for line in self.lines:
            parts += self._curve(line, scale)
        for x in self.marks:
            parts.append(f'<text class="failed" x="{self._x(x):.1f}" y="{TOP + 8}" text-anchor="middle">×</text>')
        parts.append(
            f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
            f"{escape(self.x_name)}</text>"
        )
        middle = (TOP + HEIGHT - BOTTOM) / 2
        parts.append(
            f'<text class="axis" transform="translate(13 {middle}) rotate(-90)" text-anchor="middle">'
            f"{escape(self.y_name)}</text></svg>"
        )
        return "".join(parts)

    def _x(self, value: float) -> float:
        span = self.x_to - self.x_from or 1.0
        return LEFT + (value - self.x_from) / span * (WIDTH - LEFT - RIGHT)

    def _curve(self, line: Line, scale: _Scale) -> list[str]:
        parts, run = [], []
        for x, y in [*line.points, (0.0, math.inf)]:
            if math.isfinite(y):
                run.append((self._x(x), scale.y(y)))
                continue
            if len(run) > 1:
                path = " ".join(f"{a:.1f},{b:.1f}" for a, b in run)
                parts.append(f'<polyline class="{line.style}" points="{path}"/>')
            if run and (line.dots or len(run) == 1):
                parts += [f'<circle class="{line.style}" cx="{a:.1f}" cy="{b:.1f}" r="3"/>' for a, b in run]
            run = []
        return parts


class _Scale:
    """Values to pixels; logarithmic where the values span decades."""

    def __init__(self, low: float, top: float, *, logarithmic: bool) -> None:
        self.logarithmic = logarithmic
        if logarithmic:
            self.first = 10 ** math.floor(math.log10(max(low, 0.1)))
            self.last = top * 1.15
            decades = range(round(math.log10(self.first)), math.ceil(math.log10(self.last)) + 1)
            self.ticks = [10.0**n for n in decades if 10.0**n <= self.last]
        else:
            step = _step(top)
            self.first, self.last = 0.0, step * math.ceil(top * 1.05 / step)
            self.ticks = [step * n for n in range(round(self.last / step) + 1)]

    def y(self, value: float) -> float:
        if self.logarithmic:
            share = math.log(max(value, self.first) / self.first) / math.log(self.last / self.first)
        else:
            share = value / self.last
        return HEIGHT - BOTTOM - min(share, 1.0) * (HEIGHT - TOP - BOTTOM)


def _step(top: float) -> float:
    """Between two lines of the grid: 1, 2 or 5 times a power of ten, about five lines."""
    rough = top / 5
    power: float = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 or value == 0 else f"{value:g}"


def spread(first: float, last: float, wanted: int = 6) -> list[float]:
    """Round numbers between two values, for an axis."""
    if last <= first:
        return [first]
    step = _step((last - first) * 5 / wanted)
    found = [step * n for n in range(math.ceil(first / step), math.floor(last / step) + 1)]
    return found or [first, last]
