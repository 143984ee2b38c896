"""Attributes on the span of the request, with the real OpenTelemetry SDK."""

import subprocess
import sys
from typing import Any

import pytest
from flask import Flask
from monitor.shops import shop
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

EXPORTER = InMemorySpanExporter()
PROVIDER = TracerProvider()
PROVIDER.add_span_processor(SimpleSpanProcessor(EXPORTER))
TRACER = PROVIDER.get_tracer("tests")


@pytest.fixture(autouse=True)
def _empty() -> None:
    EXPORTER.clear()


def by_hooks(app: Flask) -> None:
    """As the Flask instrumentation does it: the span ends when the request context goes."""
    spans: list[Any] = []

    @app.before_request
    def begin() -> None:
        spans.append(TRACER.start_as_current_span("request"))
        spans[-1].__enter__()

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        spans.pop().__exit__(None, None, None)


def by_layer(app: Flask) -> None:
    """As the WSGI instrumentation does it: the span ends when the app has returned."""
    inner = app.wsgi_app

    def traced(environ: Any, start_response: Any) -> Any:
        with TRACER.start_as_current_span("request"):
            return inner(environ, start_response)

    app.wsgi_app = traced  # type: ignore[method-assign]


@pytest.mark.parametrize("instrument", [by_hooks, by_layer])
def test_the_span_of_the_request_is_described(instrument: Any) -> None:
    app = shop(slow_statement_ms=20)
    instrument(app)
    app.test_client().get("/send/4", buffered=True)
    app.test_client().get("/slow/30", buffered=True)
    first, second = (dict(span.attributes or {}) for span in EXPORTER.get_finished_spans())
    assert first.pop("seatrial.sql.ms") >= 0
    assert first == {
        "http.route": "/send/<int:count>",
        "seatrial.endpoint": "plain",
        "seatrial.sql.statements": 4,
        "seatrial.sql.slow": 0,
    }
    assert (second["seatrial.sql.slow"], second["seatrial.sql.ms"] >= 30) == (1, True)


def test_a_stream_is_described_to_its_end_where_the_span_lasts() -> None:
    app = shop()
    span = TRACER.start_span("connection")
    with trace.use_span(span):
        response = app.test_client().get("/stream/3", buffered=True)
    span.end()
    assert response.status_code == 200
    [found] = EXPORTER.get_finished_spans()
    assert dict(found.attributes or {})["seatrial.sql.statements"] == 3


def test_without_a_span_nothing_happens() -> None:
    app = shop()
    assert app.test_client().get("/send/1").status_code == 200
    assert app.extensions["seatrial.monitor"].guard.failures == {}
    assert EXPORTER.get_finished_spans() == ()


def test_a_broken_span_does_not_reach_the_request() -> None:
    class Broken(trace.NonRecordingSpan):
        def is_recording(self) -> bool:
            raise RuntimeError("the span is broken")

    app = shop()
    with trace.use_span(Broken(trace.INVALID_SPAN_CONTEXT)):
        assert app.test_client().get("/send/1").status_code == 200
    assert app.extensions["seatrial.monitor"].guard.failures == {"span": 2}


def test_opentelemetry_is_not_imported_for_it() -> None:
    code = (
        "import sys; from flask import Flask; from seatrial.monitor import Monitor\n"
        "app = Flask('a'); Monitor(app); app.test_client().get('/', buffered=True)\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
