"""Tasks from the exported routes of an app, weighted by an access log or a file of weights or of whole tasks."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from seatrial.load.plan import Step, Task
from seatrial.model.errors import ConfigurationError
from seatrial.model.inventory import ANONYMOUS
from seatrial.model.load import Demands

_LOGGED = re.compile(r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[\d.]+" (?P<status>\d{3})')
"""The request of a line in the common and the combined log format."""
_ARGUMENT = re.compile(r"<(?:(?P<converter>[^:<>]+):)?(?P<name>\w+)>")
_CONVERTERS = {"int": r"-?\d+", "float": r"-?\d+\.\d+", "path": r"[^/].*?", "uuid": r"[0-9A-Fa-f-]{36}"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is sent, and what is demanded."""

    tasks: tuple[Task, ...]
    demands: dict[str, Demands] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """Sentences about what was left out."""


def generated(inventory: Mapping[str, Any], *, identities: Iterable[str], everything: bool = False) -> Chosen:
    """Every page that a plain GET shows, each as who may see it, equally often; where some are hot, these alone.

    Also where none of the hot ones is left: others in their place would prove nothing of them.
    """
    known, why, tasks = {ANONYMOUS, *identities}, dict[str, str](), []
    login = (inventory.get("login") or {}).get("path")
    statics = set(inventory.get("static") or ())
    for row in inventory["routes"]:
        identity = row.get("identity") or ANONYMOUS
        status = row.get("status")
        if row["method"] != "GET" or row["path"] in statics:
            continue
        if not row["path"]:
            why[subject(row)] = "without a sample path"
        elif status is not None and not 200 <= status < 300:
            why[subject(row)] = f"that answered {status} when exported"
        elif identity not in known:
            why[subject(row)] = f"that want to be logged in as {identity} (--field NAME=VALUE says how)"
        elif identity != ANONYMOUS and row["path"] == login:
            why[subject(row)] = "that log in"
        else:
            tasks.append(Task((Step("GET", row["path"], subject(row), status=status),), identity=identity))
    hot = {subject(row) for row in inventory["routes"] if row.get("hot")}
    critical = [task for task in tasks if task.steps[0].subject in hot]
    asked = {_route(task.steps[0].subject) for task in tasks}
    missing = sorted(name for name in hot & why.keys() if _route(name) not in asked)
    notes = Counter(why.values())
    if (critical or missing) and len(critical) < len(tasks) and not everything:
        notes["that are not on `hot` (--weights names others)"] = len(tasks) - len(critical)
        tasks = critical
    left = tuple(
        f"left out: {count} route{'s' if count != 1 else ''} {reason}" for reason, count in sorted(notes.items())
    )
    hurt = tuple(f"hot, and left out: {name}" for name in missing if not everything)
    return Chosen(tuple(tasks), notes=(*hurt, *left))


def subject(row: Mapping[str, Any]) -> str:
    """`METHOD rule endpoint [identity]`, as everywhere."""
    words = [row["method"], row["rule"], row.get("endpoint") or "", f"[{row.get('identity') or ANONYMOUS}]"]
    return " ".join(word for word in words if word)


def weighted(chosen: Chosen, inventory: Mapping[str, Any], path: Path, *, identities: Iterable[str]) -> Chosen:
    """The same with the weights of a file; what it does not name is left out.

    A `.toml` file holds whole tasks; else each line is `WEIGHT METHOD rule`, or one of an access log.

    Raises:
        ConfigurationError: The file names what is not there, or nothing that is.
    """
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        raise ConfigurationError(f"--weights {path}: {error.strerror}") from None
    if path.suffix == ".toml":
        return _written(text, path, inventory, set(identities))
    logged = [found for line in text.splitlines() if (found := _LOGGED.search(line))]
    counts, notes = _from_log(logged, inventory) if logged else (_from_lines(text, path), [])
    by_route = {f"{task.steps[0].method} {_rule(task.steps[0].subject)}": task for task in chosen.tasks}
    unknown = sorted(route for route in counts if route not in by_route)
    if unknown and not logged:
        raise ConfigurationError(f"--weights {path}: no task for {', '.join(unknown)}: `seatrial routes` lists routes")
    tasks = [replace(task, weight=float(counts[route])) for route, task in by_route.items() if counts.get(route)]
    if not tasks:
        raise ConfigurationError(f"--weights {path}: none of its lines is about a route that can be loaded")
    if unknown:
        notes.append(f"left out: {len(unknown)} routes of the log that are not loaded ({', '.join(unknown[:3])} …)")
    return Chosen(tuple(tasks), notes=(*chosen.notes, *notes))


def _rule(name: str) -> str:
    return name.split(" ")[1]


def _route(name: str) -> str:
    return " ".join(name.split(" ")[:2])


def _from_lines(text: str, path: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    wrong = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            weight, method, rule = words
            found[f"{method.upper()} {rule}"] = float(weight)
            assert float(weight) >= 0
        except (ValueError, AssertionError):
            wrong.append(str(number))
    if wrong:
        raise ConfigurationError(
            f"--weights {path}: line {', '.join(wrong)} is not `WEIGHT METHOD /rule`, nor a line of an access log"
        )
    return found


def _from_log(lines: Sequence[re.Match[str]], inventory: Mapping[str, Any]) -> tuple[dict[str, float], list[str]]:
    """Requests per route of an access log. Failures and redirects are no visits of a page."""
    patterns = [(row["method"], row["rule"], pattern(row["rule"])) for row in inventory["routes"]]
    counts, nowhere = Counter[str](), 0
    for line in lines:
        if not 200 <= int(line["status"]) < 400:
            continue
        target = unquote(urlsplit(line["target"]).path)
        matching = [rule for method, rule, shape in patterns if method == line["method"] and shape.fullmatch(target)]
        if matching:
            # As a router does it: the rule with the fewest arguments.
            counts[f"{line['method']} {min(matching, key=lambda rule: (rule.count('<'), -len(rule)))}"] += 1
        else:
            nowhere += 1
    notes = [f"left out: {nowhere} lines of the log that match no route"] if nowhere else []
    return {route: float(count) for route, count in counts.items()}, notes


def pattern(rule: str) -> re.Pattern[str]:
    """A Flask rule as a regular expression over paths."""
    parts, last = [], 0
    for found in _ARGUMENT.finditer(rule):
        parts.append(re.escape(rule[last : found.start()]))
        parts.append(_CONVERTERS.get((found["converter"] or "").partition("(")[0], r"[^/]+"))
        last = found.end()
    return re.compile("".join((*parts, re.escape(rule[last:]))))


# ---------------------------------------------------------------------- tasks by hand
def _written(text: str, path: Path, inventory: Mapping[str, Any], identities: set[str]) -> Chosen:
    """Whole tasks: several steps, thinking times, forms, pools of values, limits of their own."""
    try:
        entries = tomllib.loads(text).get("task", [])
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"--weights {path}: {error}") from None
    rows = {f"{row['method']} {row['rule']}": row for row in inventory["routes"]}
    tasks: list[Task] = []
    demands: dict[str, Demands] = {}
    mistakes: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            task, demanded = _task(dict(entry), rows, path.parent, identities)
        except (KeyError, TypeError, ValueError) as error:
            mistakes.append(f"--weights {path}: task {number}: {error.args[0] if error.args else error}")
            continue
        tasks.append(task)
        demands |= demanded
    if not entries:
        mistakes.append(f"--weights {path}: there is no [[task]] in it")
    if mistakes:
        raise ConfigurationError(*mistakes)
    return Chosen(tuple(tasks), demands)


def _task(
    entry: dict[str, Any], rows: Mapping[str, Any], folder: Path, identities: set[str]
) -> tuple[Task, dict[str, Demands]]:
    weight, identity = float(entry.pop("weight", 1)), str(entry.pop("identity", ANONYMOUS))
    if identity not in {ANONYMOUS, *identities}:
        raise ValueError(f"nobody can log in as {identity}: --field NAME=VALUE says how")
    pools = {str(name): _pool(values, folder) for name, values in entry.pop("pools", {}).items()}
    entries = entry.pop("steps", None) or [entry]
    steps: list[Step] = []
    demands: dict[str, Demands] = {}
    for raw in entries:
        step, demanded = _step(dict(raw), rows, identity)
        steps.append(step)
        if demanded is not None:
            demands[step.subject] = demanded
    return Task(tuple(steps), weight, identity, pools), demands


def _step(entry: dict[str, Any], rows: Mapping[str, Any], identity: str) -> tuple[Step, Demands | None]:
    if "route" not in entry:
        raise ValueError("it names no route")
    route = str(entry.pop("route"))
    row = rows.get(route, {})
    method, _, rule = route.partition(" ")
    path = entry.pop("path", None) or row.get("path") or (rule if "<" not in rule else "")
    if not path.startswith("/"):
        raise ValueError(
            f"{route} is no route of the inventory: write `METHOD /rule`, and a path where it has arguments"
        )
    name = subject({"method": method, "rule": rule, "endpoint": row.get("endpoint"), "identity": identity})
    limits = {key: entry.pop(key) for key in ("p99_ms", "p95_ms", "p50_ms", "errors", "throughput") if key in entry}
    unknown = set(entry) - {"status", "form", "json", "page", "think_s"}
    if unknown:
        raise ValueError(f"it does not know {', '.join(sorted(unknown))}")
    entry.setdefault("status", row.get("status"))
    return Step(method=method, path=path, subject=name, **entry), Demands(**limits) if limits else None


def _pool(values: Any, folder: Path) -> list[str]:
    """A list, or a file with one value per line."""
    if isinstance(values, str):
        try:
            values = [line.strip() for line in (folder / values).read_text().splitlines() if line.strip()]
        except OSError as error:
            raise ValueError(f"pool {values}: {error.strerror}") from None
    if not values:
        raise ValueError("a pool is empty")
    return [str(value) for value in values]
