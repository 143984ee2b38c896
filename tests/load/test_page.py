"""The HTML of a load run: complete in itself, escaped, and drawn by a browser as it is meant."""

import math
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from load.made import endpoint, loaded

from seatrial.load.limit import Knee, LimitStep
from seatrial.load.page import page
from seatrial.load.verdict import judge
from seatrial.model.load import LoadRun
from seatrial.reports.charts import Chart, Line, spread
from seatrial.stats.quantiles import Answer

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def stalled() -> LoadRun:
    """A second in ten in which nothing is answered, as both kinds of clock see it."""
    seconds = [{float(n * 20 + 20): 1 for n in range(50)} if n % 10 == 0 else {8.0: 45, 14.0: 5} for n in range(40)]
    return loaded(
        endpoint(*seconds, service={8.0: 49, 980.0: 1}),
        endpoint({4.0: 400}, {}, {5.0: 400}, failed=3, subject="GET /a<script>alert(1)</script> a [anonymous]"),
    )


def test_the_page_needs_nothing_else_and_runs_nothing() -> None:
    text = page(judge(stalled()), notes=["left out: <b>1</b> route"])
    assert not re.search(r"<script|src=|href=|@import|url\(|http-equiv", text)
    assert "&lt;script&gt;alert(1)" in text
    assert "&lt;b&gt;1&lt;/b&gt;" in text
    assert "@media print" in text
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ElementTree.fromstring(svg)
    assert text.count("<svg") == 4
    assert text.count("<title>") == 5


def test_the_page_says_why_nothing_is_proved() -> None:
    text = page(judge(loaded(endpoint({8.0: 600}), problems=("worker a was lost",))))
    assert "<strong>Inconclusive</strong>" in text
    assert "worker a was lost" in text


def test_the_knee_is_drawn_with_its_steps() -> None:
    steps = (LimitStep(10, Answer.PASS, 20.0, 10), LimitStep(40, Answer.FAIL, math.inf, 25))
    text = page(judge(stalled()), knee=Knee(steps))
    assert "The knee lies between 10 requests per second (limits kept) and 40 (broken)." in text
    assert "× marks rates at which more than 1 % failed" in text


def test_points_stand_where_their_values_are() -> None:
    chart = Chart("t", "x", "y", (Line("a", "intended", [(0, 0), (5, 50), (10, math.inf), (10, 100)]),), [], x_to=10)
    root = ElementTree.fromstring(chart.svg())
    [line] = list(root.iter("polyline"))
    (x0, y0), (x1, y1) = (tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split())
    assert (x0, y0) == (58, 220)
    assert x1 == pytest.approx(58 + 568 / 2)
    assert y1 < y0
    assert len(list(root.iter("circle"))) == 1, "a value alone, after one that is missing, is a dot"


def test_axes_have_round_numbers() -> None:
    assert spread(0, 60) == [0, 10, 20, 30, 40, 50, 60]
    assert spread(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert spread(3, 3) == [3]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium: apt-get install chromium")
@pytest.mark.parametrize("width", [1100, pytest.param(420, marks=pytest.mark.matrix)])
def test_a_browser_draws_it_in_full_and_without_scrolling_sideways(width: int, tmp_path: Path) -> None:
    assert BROWSER is not None
    file, picture = tmp_path / "load.html", tmp_path / "load.png"
    file.write_text(page(judge(stalled())))
    browse = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={tmp_path}",
    ]
    browse += [f"--window-size={width},1600", "--virtual-time-budget=500"]
    subprocess.run([*browse, f"--screenshot={picture}", file.as_uri()], check=True, capture_output=True, timeout=120)
    colours = _colours(picture)
    for name, colour in {"intended": (11, 79, 158), "service": (194, 98, 10), "limit": (179, 38, 30)}.items():
        assert colours.get(colour, 0) > 30, f"{name} is not in the picture"


def _colours(picture: Path) -> dict[tuple[int, int, int], int]:
    """How often each colour stands in a PNG of 8 bits per channel; no imaging library is needed for that."""
    import struct
    import zlib
    from collections import Counter

    data, at, packed, channels, width = picture.read_bytes(), 8, b"", 3, 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, _, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8
            channels = {2: 3, 6: 4}[colour]
        elif kind == b"IDAT":
            packed += body
        at += size + 12
    raw, length = zlib.decompress(packed), width * channels
    before, counted = bytearray(length), Counter[tuple[int, int, int]]()
    for start in range(0, len(raw), length + 1):
        line = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + length]), before, channels)
        counted.update(zip(line[0::channels], line[1::channels], line[2::channels], strict=True))
        before = line
    return counted


def _unfiltered(kind: int, line: bytearray, before: bytearray, size: int) -> bytearray:
    """One line of a PNG as it was before it was filtered (PNG specification, section 9)."""
    for i in range(len(line)):
        left = line[i - size] if i >= size else 0
        up, corner = before[i], before[i - size] if i >= size else 0
        match kind:
            case 1:
                line[i] = (line[i] + left) & 255
            case 2:
                line[i] = (line[i] + up) & 255
            case 3:
                line[i] = (line[i] + (left + up) // 2) & 255
            case 4:
                guess = left + up - corner
                near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
                line[i] = (line[i] + near[2]) & 255
    return line
