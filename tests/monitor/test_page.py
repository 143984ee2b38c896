"""docs/monitor.md says what the monitor does: its keys and defaults, the fields of a line, its metrics."""

import json
import re
from dataclasses import fields
from pathlib import Path

from flask import Flask
from monitor.shops import Records, shop
from prometheus_client import CollectorRegistry

from seatrial.monitor import Monitor, lines, tally
from seatrial.monitor.settings import KEYS, Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "monitor.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    part = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    table = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_every_key_with_its_default() -> None:
    defaults = {field.name: field.default for field in fields(Settings)}
    told = {key.strip("`"): default.strip("`") for key, default, _ in rows("Configure")}
    assert told == {key: str(defaults[field]) for key, field in KEYS.items()}


def test_the_line_has_the_fields_that_are_written(logged: Records) -> None:
    shown = json.loads(next(re.finditer(r"```json\n(.*?)```", PAGE, re.DOTALL))[1])
    shop(slow_statement_ms=5).test_client().get("/slow/10")
    [written] = logged.lines()
    assert list(shown) == list(written)
    assert {name: type(value) for name, value in shown.items()} == {
        name: type(value) for name, value in written.items()
    }


def test_the_events() -> None:
    told = {event.strip("`") for event, _, _ in rows("Read the log line")}
    source = (ROOT / "harness/seatrial/monitor/lines.py").read_text()
    assert told == set(re.findall(r'(?:_say\(|"event": )"([\w-]+)"', source))


def test_every_metric_with_its_labels() -> None:
    registry = CollectorRegistry()
    Monitor(Flask("shop"), prometheus=True, registry=registry)
    exported = {
        (metric.name + "_total" if metric.type == "counter" else metric.name): metric.type
        for metric in registry.collect()
    }
    told = {name.strip("`"): kind for name, kind, _ in rows("Prometheus")[:4]}
    assert told == exported
    for name, _, labels in rows("Prometheus")[:4]:
        status = [] if name.strip("`").endswith("_total") else ["status"]
        assert re.findall(r"`(\w+)`", labels) == ["app", "method", "rule", *status]


def test_the_bounds() -> None:
    assert f"at most {tally.DISTINCT_KEPT} different statements" in PAGE
    assert f"at most {lines.KEYS_KEPT} keys" in PAGE
    assert f"cut after {lines.LONGEST_SQL} characters" in PAGE
    assert f"for each slow statement of a request, at most {tally.SLOW_KEPT}" in PAGE
