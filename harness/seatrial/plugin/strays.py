"""Requests of tests to URLs that no route serves, and how much of the answer each test has looked at.

The answer of a test client is given a class of its own, a subclass of the one it had, which notices that `status_code`
or `status` is read, or anything else of it. Only answers to strays are treated so. What comes back by another way (a
live server, a client that is not Werkzeug's) cannot be watched, and is *unseen*.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

import werkzeug.test

from seatrial.model.suite import Looked, Stray, TestRun
from seatrial.observe.callsite import CallSites, Trace

_MARK = "_seatrial_mark"
_STATUS = frozenset({"status_code", "status"})
_CONTENT = frozenset(
    {
        "content_length", "content_type", "data", "get_data", "get_json", "headers", "is_json", "iter_encoded", "json",
        "location", "mimetype", "response", "text",
    }
)  # fmt: skip
_LONGEST = 24
"""Characters of a part of a path that is shown as it is; a longer one with a digit in it is taken for a token."""


@dataclass(slots=True)
class _Mark:
    """One stray, from its request on."""

    test: str
    method: str
    path: str
    status: int
    looked: Looked = Looked.UNSEEN
    site: Trace | None = None

    def look(self, looked: Looked) -> None:
        if self.looked is not Looked.STATUS:
            self.looked = looked


class Strays:
    """From `begin` to `end`. `test` is the one that runs now, or empty between tests."""

    def __init__(self, sites: CallSites) -> None:
        self._sites = sites
        self.test = ""
        self._marks: list[_Mark] = []
        self._waiting: dict[int, tuple[object, _Mark]] = {}
        """Not yet back at the client, by the identity of the request's input stream: the client and the app each have
        a copy of the environment, with this one object in both."""
        self._passed: set[str] = set()
        self._inside = threading.local()
        """How many calls of a client a thread is in."""
        self._original: Callable[..., Any] | None = None
        self._opened: Callable[..., Any] | None = None

    def begin(self) -> None:
        client_class: Any = werkzeug.test.Client
        original = self._original = client_class.open

        @wraps(original)
        def opened(client: werkzeug.test.Client, *arguments: Any, **options: Any) -> Any:
            self._inside.depth = depth = getattr(self._inside, "depth", 0) + 1
            try:
                response = original(client, *arguments, **options)
            finally:
                self._inside.depth -= 1
            if depth == 1:  # else it goes back to a client that follows redirects, which reads it itself
                with suppress(Exception):  # an answer that nobody watches is better than none
                    self._came_back(response)
            return response

        self._opened = client_class.open = opened

    def end(self) -> None:
        client_class: Any = werkzeug.test.Client
        if self._original is not None and client_class.open is self._opened:  # else somebody has wrapped it on top
            client_class.open = self._original

    # ------------------------------------------------------------------ one request
    def answered(self, environ: dict[str, Any], method: str, path: str, status: int) -> None:
        """The app has answered a request that no route serves."""
        mark = _Mark(self.test, method, _shown(path), status)
        self._marks.append(mark)
        body = environ.get("wsgi.input")
        if body is not None:
            self._waiting[id(body)] = (body, mark)

    def _came_back(self, response: Any) -> None:
        _, mark = self._waiting.pop(id(response.request.environ.get("wsgi.input")), (None, None))
        if mark is None:
            return
        response.__dict__[_MARK] = mark
        kind: Any = type(response)
        response.__class__ = _watched(kind)
        mark.looked = Looked.NOTHING
        mark.site = self._sites.trace()

    # ------------------------------------------------------------------ one test
    def passed(self, test: str) -> None:
        self._passed.add(test)

    def between_tests(self) -> None:
        self.test = ""
        self._waiting.clear()

    def runs(self) -> list[TestRun]:
        """The tests that passed and sent strays. At the end: a fixture's answer may be read by a later test."""
        found: dict[str, list[Stray]] = {}
        for mark in self._marks:
            if mark.test in self._passed:
                place = self._sites.origin(mark.site).place if mark.site is not None else None
                found.setdefault(mark.test, []).append(Stray(mark.method, mark.path, mark.status, mark.looked, place))
        return [TestRun(test, True, tuple(strays)) for test, strays in found.items()]


@cache
def _watched(cls: Hashable) -> Any:
    """The class of an answer, with an eye on what is read of it."""
    answer: Any = cls

    class Watched(answer):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            if name in _STATUS or name in _CONTENT:
                object.__getattribute__(self, _MARK).look(Looked.STATUS if name in _STATUS else Looked.BODY)
            return super().__getattribute__(name)

    Watched.__name__, Watched.__qualname__, Watched.__module__ = answer.__name__, answer.__qualname__, answer.__module__
    return Watched


def _shown(path: str) -> str:
    """The path of a URL, without what looks like a token in it."""
    parts = path.split("/")
    return "/".join("…" if len(part) > _LONGEST and any(map(str.isdigit, part)) else part for part in parts)
