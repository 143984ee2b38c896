"""Statements over a threshold, with the route that sent them."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from flask import Flask, has_request_context, request
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExecutionContext

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SlowQuery:
    statement: str
    elapsed_ms: float
    endpoint: str


class SlowQueryLog:
    def __init__(self, threshold_ms: int, keep: int = 200) -> None:
        self.threshold_ms = threshold_ms
        self.entries: deque[SlowQuery] = deque(maxlen=keep)

    def watch(self, engine: Engine) -> None:
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)

    def _before(
        self,
        connection: Connection,
        cursor: Any,
        statement: str,
        parameters: Any,
        context: ExecutionContext,
        many: bool,
    ) -> None:
        connection.info["stockroom_started"] = time.perf_counter()

    def _after(
        self,
        connection: Connection,
        cursor: Any,
        statement: str,
        parameters: Any,
        context: ExecutionContext,
        many: bool,
    ) -> None:
        elapsed_ms = (time.perf_counter() - connection.info.pop("stockroom_started", time.perf_counter())) * 1000
        if elapsed_ms >= self.threshold_ms:
            endpoint = (request.endpoint or "") if has_request_context() else ""
            self.entries.append(SlowQuery(statement, elapsed_ms, endpoint))
            log.warning("%.0f ms in %s: %s", elapsed_ms, endpoint or "no request", statement)


def init_app(app: Flask, engine: Engine) -> None:
    slow_log = SlowQueryLog(app.config["SLOW_QUERY_MS"])
    slow_log.watch(engine)
    app.extensions["slow_query_log"] = slow_log
