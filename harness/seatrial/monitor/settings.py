"""The settings of the monitor: `SEATRIAL_*` of `app.config`, or keyword arguments, which go first."""

from __future__ import annotations

import difflib
import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypedDict

from seatrial.monitor.route_limits import Limits, is_positive, mistakes

LEAST_TOKEN = 16
PREFIX = "SEATRIAL_"


class MonitorError(ValueError):
    """The monitor cannot be started as it is configured. The message has every mistake, a line each."""


class Options(TypedDict, total=False):
    """Keyword arguments of `Monitor`."""

    enabled: bool
    slow_statement_ms: float | None
    max_statements: int | None
    max_database_ms: float | None
    route_limits: Mapping[str, Mapping[str, Any]]
    log_lines_per_minute: int
    token: str | None
    prometheus: bool
    registry: Any
    max_routes: int
    metrics_path: str | None
    metrics_token: str | None
    app_name: str | None


@dataclass(frozen=True)
class Settings:
    """What holds for one app. docs/monitor.md explains every field."""

    enabled: bool = True
    slow_statement_ms: float | None = 100
    max_statements: int | None = 50
    max_database_ms: float | None = 500
    route_limits: Mapping[str, Mapping[str, Any]] | None = None
    log_lines_per_minute: int = 10
    token: str | None = None
    prometheus: bool = False
    registry: Any = None
    max_routes: int = 500
    metrics_path: str | None = None
    metrics_token: str | None = None
    app_name: str | None = None

    @property
    def limits(self) -> Limits:
        return Limits(self.max_statements, self.max_database_ms)


KEYS = {PREFIX + field.name.upper(): field.name for field in fields(Settings)}
"""Key of `app.config` -> field."""


def read(config: Mapping[str, Any], options: Mapping[str, Any]) -> Settings:
    """The settings of an app.

    Raises:
        MonitorError: With all mistakes.
    """
    wrong: list[str] = []
    given: dict[str, Any] = {}
    for key, field in KEYS.items():
        if field in options:
            given[field], where = options[field], field
        elif key in config:
            given[field], where = config[key], key
        else:
            continue
        wrong += _CHECKS[field](where, given[field])
    wrong += _unknown(config, options)
    if not wrong:
        wrong += _together(Settings(**given))
    if wrong:
        raise MonitorError("\n".join(f"seatrial.monitor: {mistake}" for mistake in wrong))
    return Settings(**given)


def _unknown(config: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[str]:
    for name in options:
        if name not in KEYS.values():
            yield f"{name} is no option; use one of {', '.join(KEYS.values())}"
    for key in config:
        # Other parts of Seatrial have keys of their own: only what is nearly one of these is a slip.
        if str(key).startswith(PREFIX) and key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.85)
            if near:
                yield f"{key} is no key; did you mean {near[0]}?"


def _together(settings: Settings) -> Iterator[str]:
    if settings.prometheus and importlib.util.find_spec("prometheus_client") is None:
        yield "prometheus is on but prometheus-client is not installed: pip install 'seatrial[monitor]'"
    if settings.registry is not None and not settings.prometheus:
        yield "registry is given but prometheus is off: set SEATRIAL_PROMETHEUS = True"
    if settings.metrics_path is not None and not settings.prometheus:
        yield "metrics_path is given but prometheus is off: set SEATRIAL_PROMETHEUS = True"
    if settings.metrics_token is not None and settings.metrics_path is None:
        yield "metrics_token is given but there is no endpoint to protect: set SEATRIAL_METRICS_PATH"


# ---------------------------------------------------------------------------------------------------- checks
_Check = Callable[[str, Any], Iterator[str]]


def _boolean(where: str, value: Any) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"{where} must be True or False but is {value!r}"


def _number(where: str, value: Any) -> Iterator[str]:
    if value is not None and not is_positive(value):
        yield f"{where} must be a number above 0, or None to switch it off, but is {value!r}"


def _count(where: str, value: Any) -> Iterator[str]:
    if not is_positive(value, whole=True):
        yield f"{where} must be a whole number from 1 but is {value!r}"


def _optional_count(where: str, value: Any) -> Iterator[str]:
    if value is not None and not is_positive(value, whole=True):
        yield f"{where} must be a whole number from 1, or None to switch it off, but is {value!r}"


def _token(where: str, value: Any) -> Iterator[str]:
    # never shows the value: messages end up in logs
    if value is None:
        return
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value):
        yield f"{where} must be text of printable ASCII without spaces, or None"
    elif len(value) < LEAST_TOKEN:
        yield (
            f"{where} must have at least {LEAST_TOKEN} characters but has {len(value)}: "
            "make one with python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )


def _path(where: str, value: Any) -> Iterator[str]:
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"(/[\w.~-]+)+", value)):
        yield f"{where} must be a path such as '/metrics', or None, but is {value!r}"


def _name(where: str, value: Any) -> Iterator[str]:
    if value is not None and not (isinstance(value, str) and value.strip()):
        yield f"{where} must be a name, or None for the app's own, but is {value!r}"


def _registry(where: str, value: Any) -> Iterator[str]:
    if value is not None and not (hasattr(value, "register") and hasattr(value, "collect")):
        yield f"{where} must be a prometheus_client.CollectorRegistry, or None for the default one, but is {value!r}"


def _route_limits(where: str, value: Any) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, Mapping):
        yield f"{where} must map routes ('GET /items/') or endpoints to limits but is {value!r}"
        return
    for route, given in value.items():
        yield from mistakes(f"{where}[{route!r}]", given)


_CHECKS: dict[str, _Check] = {
    "enabled": _boolean,
    "slow_statement_ms": _number,
    "max_statements": _optional_count,
    "max_database_ms": _number,
    "route_limits": _route_limits,
    "log_lines_per_minute": _count,
    "token": _token,
    "prometheus": _boolean,
    "registry": _registry,
    "max_routes": _count,
    "metrics_path": _path,
    "metrics_token": _token,
    "app_name": _name,
}
