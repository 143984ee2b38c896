"""The route inventory: every method and rule bound to an endpoint, with a path that can be requested."""

import fnmatch
import inspect
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect, Rule

from seatrial.model.inventory import BUILT_IN_SKIP, Route
from seatrial.target import protections

if TYPE_CHECKING:
    from seatrial.target.target import Target

# They end or change the session, or ban whoever asks: no sweep may request them.
DEFAULT_SKIP = re.compile(r"log-?_?out|sign-?_?out|dev-?_?login|bot-?_?trap|honey-?pot", re.IGNORECASE)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes(target: "Target") -> tuple[Route, ...]:
    """All bindings in order of registration. Paths are filled in only where a rule takes no arguments."""
    app = target.app
    found: list[Route] = []
    for rule in app.url_map.iter_rules():
        for method in METHODS:
            if method not in (rule.methods or ()):
                continue
            view = app.view_functions.get(rule.endpoint)
            module_path, line, name = _origin(view, method, target.folder)
            reason = skipped(method, rule, target.settings.skip) or _nothing_to_serve(app, rule)
            limits = protections.rate_limits(app, rule.endpoint, method)
            arguments = tuple((a, _converter(rule, a)) for a in _in_order(rule))
            found.append(
                Route(
                    method=method,
                    rule=rule.rule,
                    endpoint=rule.endpoint,
                    blueprint=rule.endpoint.rpartition(".")[0],
                    arguments=arguments,
                    path="" if arguments else rule.rule,
                    skipped=reason,
                    view=name,
                    module_path=module_path,
                    line=line,
                    limits=tuple(dict.fromkeys(limit.text for limit in limits)),
                    limited=any(limit.own for limit in limits) or bool(protections.dead_limit(app, rule.endpoint)),
                    csrf=protections.csrf_of(app, rule.endpoint, method),
                )
            )
    return tuple(found)


def skipped(method: str, rule: Rule, patterns: Sequence[str]) -> str:
    """The pattern that keeps a route from being requested, or empty."""
    if rule.websocket:
        return "a websocket"
    if rule.subdomain or rule.host:
        return "bound to a host or subdomain"
    for pattern in patterns:
        wanted, _, glob = pattern.partition(" ") if " " in pattern else ("", "", pattern)
        if wanted and wanted != method:
            continue
        if fnmatch.fnmatchcase(rule.rule, glob) or rule.rule == glob or rule.endpoint == glob:
            return f"skip = {pattern!r}"
    if DEFAULT_SKIP.search(rule.rule) or DEFAULT_SKIP.search(rule.endpoint):
        return BUILT_IN_SKIP
    return ""


def _nothing_to_serve(app: Flask, rule: Rule) -> str:
    """Flask binds a static route to every app and to many blueprints, whether there are files or not."""
    blueprint, _, name = rule.endpoint.rpartition(".")
    if name != "static":
        return ""
    owner = app.blueprints.get(blueprint) if blueprint else app
    folder = getattr(owner, "static_folder", None)
    has_files = folder is not None and any(path.is_file() for path in Path(folder).rglob("*"))
    return "" if has_files else "serves no files"


def answering(target: "Target", method: str, path: str) -> str:
    """The endpoint that really answers a path: an earlier binding of the same rule wins over a later one."""
    try:
        endpoint, _ = target.app.url_map.bind(target.host_name).match(path, method=method)
    except (HTTPException, RequestRedirect):
        return ""
    return str(endpoint)


def _in_order(rule: Rule) -> list[str]:
    """Arguments as they stand in the rule."""
    return sorted(rule.arguments, key=lambda name: (rule.rule.find(f"{name}>"), name))


def _converter(rule: Rule, argument: str) -> str:
    found = re.search(r"<(?:([^<>:]+):)?" + re.escape(argument) + ">", rule.rule)
    return (found.group(1) or "string") if found else "string"


def _origin(view: Any, method: str, folder: Path) -> tuple[str, int, str]:
    """File (relative to the target), line and dotted name of the function that does the work."""
    if view is None:
        return "", 0, ""
    function: Any = inspect.unwrap(view)
    cls = getattr(function, "view_class", None)
    if cls is not None:
        function = getattr(cls, method.lower(), None) or getattr(cls, "dispatch_request", function)
    code = getattr(function, "__code__", None)
    name = f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', '')}"
    if code is None:
        return "", 0, name
    filename = Path(os.path.realpath(code.co_filename))
    root = folder.resolve()
    if not filename.is_relative_to(root):
        return "", 0, name
    return filename.relative_to(root).as_posix(), code.co_firstlineno, name
