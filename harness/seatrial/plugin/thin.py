"""`assert_thin_route`: the route calls this service and no other, and answers what the service returned."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import os
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from seatrial.model.evidence import Kind
from seatrial.observe import statements
from seatrial.observe.callsite import call_site

_LAYERS = frozenset({"services", "service", "use_cases", "usecases"})
_FOREIGN = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}", os.path.dirname(os.__file__) + os.sep)


@dataclass(slots=True)
class _Seen:
    """What happened while the view ran."""

    entered: int = 0
    called: int = 0
    """Times that the service was called."""
    others: list[str] = field(default_factory=list)
    """Other callables of the layer, each with the line that called it."""
    statements: list[str] = field(default_factory=list)
    """Statements that the view's own file sent."""


class ThinRoute:
    """`assert_thin_route(client, "GET /items/", calls=inventory.items, returning=[…], answers=…)`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(
        self,
        client: Any,
        route: str,
        *,
        calls: Callable[..., Any] | str,
        returning: Any = None,
        answers: Any = None,
        layer: str = "",
        **request: Any,
    ) -> Any:
        """Send one request while the service is replaced by a stand-in, and return the response.

        Args:
            client: Of Flask's own test client.
            route: `METHOD /path`, a path that can be requested.
            calls: The service: the function itself, or `package.module:function` (`package.module:Class.method`).
            returning: What the stand-in returns; an exception is raised instead.
            answers: How the route maps that: text that the body holds, JSON that it equals, or a callable that is
                given the response and tells whether it does.
            layer: Dotted name of the service layer; by default the package called `services` above the service.
        """
        __tracebackhide__ = True
        if answers is None:
            raise ValueError("assert_thin_route needs answers: what of `returning` must be in the response, and how")
        method, _, path = route.partition(" ")
        if not path.startswith("/"):
            raise ValueError(
                f"a route is written METHOD /path, not {route!r}: assert_thin_route(client, 'GET /items/')"
            )
        name = calls if isinstance(calls, str) else f"{calls.__module__}:{calls.__qualname__}"
        service = _Service(name)
        seen = _Seen()
        with ExitStack() as stack:
            stack.enter_context(service.replaced(returning, seen))
            view = stack.enter_context(_watched(client, method, path, layer or service.layer, self._root, seen))
            response = client.open(path, method=method, **request)
        self._judge(route, view, name, seen, response, answers)
        return response

    def _judge(self, route: str, view: str, name: str, seen: _Seen, response: Any, answers: Any) -> None:
        __tracebackhide__ = True
        wrong = []
        if not seen.entered:
            pytest.fail(
                f"{route}: the view {view} was not entered (status {response.status_code}); log the client in, or send "
                "what the route asks for",
                pytrace=False,
            )
        if not seen.called:
            wrong.append(f"it never called {name}")
        if seen.others:
            wrong.append("besides it called " + ", ".join(dict.fromkeys(seen.others)))
        if seen.statements:
            wrong.append(f"it sent {_amount(len(seen.statements))} by itself: {seen.statements[0]}")
        if not _answers(response, answers):
            wrong.append(f"its answer (status {response.status_code}) is not what {name} returned, mapped")
        if wrong:
            listed = "\n".join(f"  {one}" for one in wrong)
            pytest.fail(
                f"{route}: a thin route calls {name} alone and answers its result, but\n{listed}", pytrace=False
            )


class _Service:
    """The callable that is replaced, wherever somebody has imported it."""

    def __init__(self, name: str) -> None:
        module_name, separator, path = name.partition(":")
        if not separator or not path:
            raise ValueError(f"{name!r} is no package.module:function; write calls='app.services.inventory:items'")
        self.module = importlib.import_module(module_name)
        self.owner: Any = self.module
        *outer, self.attribute = path.split(".")
        for part in outer:
            self.owner = getattr(self.owner, part)
        self.original = inspect.getattr_static(self.owner, self.attribute)
        parts = module_name.split(".")
        depth = next((index for index, part in enumerate(parts) if part in _LAYERS), max(len(parts) - 2, 0))
        self.layer = ".".join(parts[: depth + 1])

    @contextmanager
    def replaced(self, returning: Any, seen: _Seen) -> Iterator[None]:
        def stand_in(*_: Any, **__: Any) -> Any:
            seen.called += 1
            if isinstance(returning, BaseException):
                raise returning
            return returning

        wrapped: Any = stand_in
        if self.owner is not self.module:
            # A method is found through its class; what it is bound to does not matter to the stand-in.
            wrapped = staticmethod(stand_in)
        places = [(self.owner, self.attribute)] if self.owner is not self.module else list(self._everywhere())
        for place, attribute in places:
            setattr(place, attribute, wrapped)
        try:
            yield
        finally:
            for place, attribute in places:
                setattr(place, attribute, self.original)

    def _everywhere(self) -> Iterator[tuple[types.ModuleType, str]]:
        """Every module that has the function under some name: `from app.services.inventory import items`."""
        for module in list(sys.modules.values()):
            for attribute, value in list(getattr(module, "__dict__", {}).items()):
                if value is self.original:
                    yield module, attribute


@contextmanager
def _watched(client: Any, method: str, path: str, layer: str, root: Path, seen: _Seen) -> Iterator[str]:
    """Watch the view that answers; yields its name."""
    app = client.application
    endpoint = _endpoint(app, method, path)
    view = app.view_functions[endpoint]
    inner: Any = inspect.unwrap(view)
    cls = getattr(inner, "view_class", None)
    if cls is not None:
        inner = getattr(cls, method.lower(), None) or cls.dispatch_request
    file = os.path.realpath(inner.__code__.co_filename) if hasattr(inner, "__code__") else ""
    sites = call_site(root, Path(file).parent if file else root)
    own = _relative(file, root)

    def watched(*args: Any, **kwargs: Any) -> Any:
        seen.entered += 1
        with statements.record(attribute=sites, attributed=(1, sys.maxsize)) as recording, _profiled(layer, seen):
            answer = view(*args, **kwargs)
        seen.statements += [
            f"line {s.place.line}: {' '.join(s.sql.split())[:120]}"
            for s in recording.statements()
            if s.kind in (Kind.SELECT, Kind.DML) and s.place is not None and s.place.path == own
        ]
        return answer

    app.view_functions[endpoint] = watched
    try:
        yield endpoint
    finally:
        app.view_functions[endpoint] = view


def _endpoint(app: Any, method: str, path: str) -> str:
    __tracebackhide__ = True
    try:
        endpoint, _ = app.url_map.bind(app.config.get("SERVER_NAME") or "localhost").match(
            path.partition("?")[0], method
        )
    except Exception as error:
        pytest.fail(f"{method} {path}: no route of the app answers it ({type(error).__name__})", pytrace=False)
    return str(endpoint)


@contextmanager
def _profiled(layer: str, seen: _Seen) -> Iterator[None]:
    """Notice every callable of the layer that the app's own code calls: what a library calls is not the route's."""
    before = sys.getprofile()

    def notice(frame: types.FrameType, event: str, argument: Any) -> None:
        if event == "call":
            module = frame.f_globals.get("__name__", "")
            if module == layer or module.startswith(layer + "."):
                caller = frame.f_back
                name = frame.f_code.co_qualname
                if caller is not None and not _inside(caller, layer) and not _is_foreign(caller) and _acts(frame):
                    where = f"{os.path.basename(caller.f_code.co_filename)}:{caller.f_lineno}"
                    seen.others.append(f"{module}:{name} ({where})")
        if before is not None:
            before(frame, event, argument)  # type: ignore[arg-type]

    sys.setprofile(notice)
    try:
        yield
    finally:
        sys.setprofile(before)


def _acts(frame: types.FrameType) -> bool:
    """Whether it is a callable of the layer, and no method of the data that services take and return."""
    *outer, name = frame.f_code.co_qualname.split(".")
    if "<" in name or (name.startswith("__") and name.endswith("__")) or frame.f_code.co_filename.startswith("<"):
        return False
    holder: Any = frame.f_globals.get(outer[0]) if outer else None
    if not isinstance(holder, type):
        return True
    data = dataclasses.is_dataclass(holder) or hasattr(holder, "model_fields") or hasattr(holder, "_fields")
    return not data and not issubclass(holder, BaseException)


def _inside(frame: types.FrameType, layer: str) -> bool:
    module = frame.f_globals.get("__name__", "")
    return bool(module == layer or module.startswith(layer + "."))


def _is_foreign(frame: types.FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith("<") or any(part in file for part in _FOREIGN)


def _relative(file: str, root: Path) -> str:
    """As the attribution names it: by the first root that holds the file."""
    for base in (os.path.realpath(root), os.path.dirname(file)):
        if file.startswith(base + os.sep):
            return Path(file[len(base) + 1 :]).as_posix()
    return file


def _answers(response: Any, answers: Any) -> bool:
    if callable(answers):
        return bool(answers(response))
    if isinstance(answers, str):
        return answers in response.get_data(as_text=True)
    return bool(response.get_json(silent=True) == json.loads(json.dumps(answers)))


def _amount(number: int) -> str:
    return f"{number} statement" if number == 1 else f"{number} statements"
