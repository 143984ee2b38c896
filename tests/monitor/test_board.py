"""The dashboard and the alert rules speak of metrics and labels that the monitor exports."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from monitor.shops import shop
from prometheus_client import CollectorRegistry

FOLDER = Path(__file__).parents[2] / "ci" / "monitor"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text())
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
FUNCTIONS = {"rate", "increase", "sum", "topk", "histogram_quantile", "label_values"}
WORDS = {"by", "and", "offset"}
EXPRESSIONS = [
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
    *(variable["query"]["query"] for variable in DASHBOARD["templating"]["list"]),
    *(rule["expr"] for rule in RULES),
]


@pytest.fixture(scope="module")
def exported() -> dict[str, set[str]]:
    """Labels by sample name, from an app that has served every kind of request."""
    registry = CollectorRegistry()
    app = shop(prometheus=True, registry=registry, slow_statement_ms=5)
    for path in ("/send/3", "/slow/10", "/fail/1"):
        app.test_client().get(path)
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    found: dict[str, set[str]] = {}
    for sample in samples:
        found.setdefault(sample.name, set()).update(sample.labels)
    return found


def named(expression: str) -> tuple[set[str], set[str]]:
    """(metrics, labels) of a PromQL expression; anything else that is a name is a mistake."""
    text = re.sub(r'"[^"]*"', '""', expression)
    text = re.sub(r"\[[^\]]*\]", "", text)
    text = re.sub(r"\boffset \d+[smhdw]\b", "", text)
    labels: set[str] = set()
    for inside in re.findall(r"\{([^}]*)\}", text):
        labels |= set(re.findall(r"([a-z_]+)\s*[=!]", inside))
    text = re.sub(r"\{[^}]*\}", "", text)
    for inside in re.findall(r"\bby \(([^)]*)\)", text):
        labels |= set(re.findall(r"[a-z_]+", inside))
    text = re.sub(r"\bby \([^)]*\)", "", text)
    if asked := re.fullmatch(r"label_values\((.*), (\w+)\)", text):
        return {asked[1]}, labels | {asked[2]}
    names = set(re.findall(r"[A-Za-z_]\w*", text))
    functions = set(re.findall(r"([A-Za-z_]\w*)\s*\(", text)) - WORDS
    assert functions <= FUNCTIONS, f"unknown functions: {functions - FUNCTIONS}"
    return names - functions - FUNCTIONS - WORDS, labels


def test_the_reader_of_expressions() -> None:
    expression = 'topk(3, sum by (le, app) (rate(a_bucket{rule="x", status=~"5.."}[5m] offset 1d))) > 0.2 and b_total'
    assert named(expression) == ({"a_bucket", "b_total"}, {"le", "app", "rule", "status"})


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_and_label_is_exported(exported: dict[str, set[str]], expression: str) -> None:
    metrics, labels = named(expression)
    assert metrics
    for metric in metrics:
        assert metric in exported
    assert labels <= set.union(*(exported[metric] for metric in metrics))


def test_parentheses_are_balanced() -> None:
    for expression in EXPRESSIONS:
        assert expression.count("(") == expression.count(")")
        assert expression.count("{") == expression.count("}")


def test_what_is_written_beside_a_series_is_among_its_labels() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= named(target["expr"])[1]
    for rule in RULES:
        shown = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        assert shown
        assert shown <= named(rule["expr"])[1]


def test_the_statuses_and_buckets_that_are_named_exist() -> None:
    from seatrial.monitor.metrics import SECONDS

    assert set(re.findall(r'status="(\w+)"', "".join(EXPRESSIONS))) == {"5xx"}
    limits = re.findall(r"seatrial_request_seconds_bucket\[\w+\]\)\)\) > ([\d.]+)", "".join(EXPRESSIONS))
    assert [float(limit) in SECONDS for limit in limits] == [True]  # between buckets a quantile is a guess


def test_the_dashboard_can_be_imported() -> None:
    assert DASHBOARD["__inputs"][0]["pluginId"] == "prometheus"
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"]) >= 7
    for panel in DASHBOARD["panels"]:
        assert panel["datasource"]["uid"] == "${DS_PROMETHEUS}"
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    titles = " ".join(panel["title"] for panel in DASHBOARD["panels"]).lower()
    for word in (
        "p50",
        "p95",
        "p99",
        "statements per request",
        "database time",
        "slow statements",
        "error rate",
        "top",
    ):
        assert word in titles


def test_the_alerts_are_complete() -> None:
    assert {rule["alert"] for rule in RULES} == {
        "SeatrialP99OverLimit",
        "SeatrialSlowStatements",
        "SeatrialStatementsRisen",
    }
    for rule in RULES:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert set(rule["annotations"]) == {"summary", "description"}
