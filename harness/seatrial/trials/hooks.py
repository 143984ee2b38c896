"""What the hooks in front of the CSRF protection do: each is run by itself, under the words that its own code reads."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from seatrial.model.csrf import Hook
from seatrial.model.evidence import Kind
from seatrial.model.findings import Place
from seatrial.model.inventory import Route
from seatrial.observe import statements

if TYPE_CHECKING:
    from seatrial.target import Target

WORDS = 12
"""Strings of a hook's code that are tried as names and values of parameters."""
_OWN_KEYS = frozenset({"_permanent", "_fresh", "_id", "_user_id", "_flashes", "csrf_token", "_csrf_token"})
"""Keys of a session that Flask and its extensions write without anybody having asked for it."""


def early_hooks(target: Target, route: Route, known: dict[int, Hook | None]) -> tuple[Hook, ...]:
    """The app's own hooks in front of the protection's, for one route, each with what it did.

    `known`: what was seen of a hook already, by its id; each is run once, under the first route that it runs for.
    """
    from seatrial.target import protections

    found = []
    for hook, kind in protections.hooks_before_csrf(target.app, route.endpoint):
        if id(hook) not in known:  # the app holds it, so that no other one can have its id
            known[id(hook)] = _seen(target, hook, kind, route)
        found.append(known[id(hook)])
    return tuple(hook for hook in found if hook is not None)


def _seen(target: Target, hook: Any, kind: str, route: Route) -> Hook | None:
    """None for one that is not the app's own."""
    code = getattr(hook, "__code__", None)
    place = _place(target, code)
    if code is None or place is None:
        return None
    name = f"{getattr(hook, '__module__', '')}.{getattr(hook, '__qualname__', '')}"
    asked = Asked(route.path or "/", route.endpoint, kind == "values") if kind != "app" else Asked("/")
    return Hook(name, place, _acts(target, hook, code, asked))


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that a hook is run for."""

    path: str
    endpoint: str = ""
    values: bool = False
    """The hook takes the endpoint and the values of the URL."""


def _place(target: Target, code: Any) -> Place | None:
    """The `def` of the hook in the app's own code."""
    if not isinstance(code, CodeType):
        return None
    file, root = Path(os.path.realpath(code.co_filename)), target.folder.resolve()
    if not file.is_relative_to(root) or not file.is_file():
        return None
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    first = code.co_firstlineno  # of a decorator, where there is one
    numbered = list(enumerate(lines, 1))[first - 1 :]
    line = next((number for number, text in numbered if text.lstrip().startswith(("def ", "async "))), first)
    return Place(file.relative_to(root).as_posix(), line, lines[line - 1] if line <= len(lines) else "")


def _acts(target: Target, hook: Any, code: CodeType, asked: Asked) -> str:
    """In words, what the hook was seen to do for a forged POST; empty where nothing."""
    words = list(dict.fromkeys(_words(code)))[:WORDS]
    for value in ("", *words):
        query = dict.fromkeys(words, value) if value else {}
        if did := _run(target, hook, query, asked):
            return did
    return ""


def _run(target: Target, hook: Any, query: Mapping[str, str], asked: Asked) -> str:
    import flask

    from seatrial.target.time_limit import RequestTimeout, time_limit

    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    options: dict[str, Any] = {"base_url": target.base_url, "query_string": dict(query), "data": dict(query)}
    with statements.record() as recording:
        try:
            with target.app.test_request_context(asked.path, method="POST", **options):
                before = dict(flask.session or {})
                try:
                    with time_limit(target.settings.deadlines.request_s):
                        arguments = (asked.endpoint, dict(flask.request.view_args or {})) if asked.values else ()
                        target.app.ensure_sync(hook)(*arguments)
                finally:
                    after = dict(flask.session or {})
        except (Exception, RequestTimeout, SystemExit):
            # It refuses (abort), or needs what a real request has: what it changed before that counts all the same.
            logging.getLogger(__name__).debug("%r did not return", hook, exc_info=True)
    wrote = sum(statement.kind is Kind.DML for statement in recording.statements())
    target.writes += wrote
    if wrote:
        return f"sends {wrote} statement{'s' if wrote > 1 else ''} that change{'' if wrote > 1 else 's'} rows"
    changed = sorted(key for key in after.keys() | before.keys() if before.get(key) != after.get(key))
    named = [key for key in changed if key not in _OWN_KEYS]
    return f"writes {', '.join(map(repr, named))} to the session" if named else ""


def _words(code: CodeType) -> Iterator[str]:
    """Strings of a hook that may be names or values of parameters."""
    for constant in code.co_consts:
        for word in constant if isinstance(constant, (tuple, frozenset)) else (constant,):
            if isinstance(word, str) and 0 < len(word) <= 40 and word.replace("_", "").replace("-", "").isalnum():
                yield word
            elif isinstance(word, CodeType):
                yield from _words(word)
