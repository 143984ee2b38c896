"""The body of a view is found through whatever stands around it, and stopped without harm to a tracer in front."""

import asyncio
import functools
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.views import MethodView

from seatrial.observe.tripwire import Tripwire, armed, armed_in, body


def view(item: int = 0) -> str:
    return f"item {item}"


def careful(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def careless(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


class Items(MethodView):
    decorators = (careful,)

    @careless
    def post(self) -> str:
        return "created"

    def get(self) -> str:
        return "shown"

    def delete(self) -> str:
        return "gone"


class Callable_:
    def __call__(self) -> str:
        return "called"


VIEWS: dict[str, tuple[Any, Any]] = {
    "plain": (view, view),
    "wraps": (careful(view), view),
    "without wraps": (careless(view), view),
    "both, twice": (careless(careful(careless(view))), view),
    "partial": (functools.partial(careful(view), 3), view),
    "callable object": (Callable_(), Callable_.__call__),
    "bound method": (Callable_().__call__, Callable_.__call__),
}


@pytest.mark.parametrize("name", VIEWS)
def test_the_body_is_found_and_stopped(name: str) -> None:
    around, innermost = VIEWS[name]
    code, unseen = body(around, "DELETE")
    assert (code, unseen) == (innermost.__code__, "")
    with armed(code) as wire, pytest.raises(Tripwire):
        around()
    assert wire.entered
    with armed(code, stop=False) as wire:
        assert isinstance(around(), str)
    assert wire.entered
    assert isinstance(around(), str)  # no wire is left behind


def test_methods_of_a_view_class() -> None:
    assert body(Items.as_view("items"), "DELETE") == (Items.delete.__code__, "")
    assert body(Items.as_view("items"), "HEAD") == (Items.get.__code__, "")
    code, _ = body(Items.as_view("items"), "POST")
    assert code is not None
    assert code.co_qualname == "Items.post"


def test_a_view_that_uses_a_helper_is_its_own_body() -> None:
    def page(item: int) -> Any:
        return helper(item)

    helper = careful(view)
    assert body(page, "POST") == (page.__code__, "")


def test_what_cannot_be_seen_says_why() -> None:
    def two(*args: Any) -> Any:
        return first(*args) or second(*args)

    first, second = careful(view), careful(view)
    code, unseen = body(two, "POST")
    assert code is None
    assert "holds several functions" in unseen
    assert body(len, "POST") == (None, "the view is a builtin_function_or_method, which has no Python code")


def test_nothing_is_seen_where_nothing_is_called() -> None:
    with armed(view.__code__) as wire:
        careful(len)([])
    assert not wire.entered


def test_a_catch_all_handler_does_not_hide_it() -> None:
    caught: list[BaseException] = []
    with armed(view.__code__) as wire:
        try:
            view()
        except BaseException as error:
            caught.append(error)
    assert [type(error) for error in caught] == [Tripwire]
    assert wire.entered


def test_in_a_coroutine_and_in_a_new_thread() -> None:
    async def later() -> str:
        return "later"

    with armed(later.__code__) as wire, pytest.raises(Tripwire):
        asyncio.run(later())
    assert wire.entered
    raised: list[BaseException] = []

    def run() -> None:
        try:
            view()
        except BaseException as error:
            raised.append(error)

    with armed(view.__code__) as wire:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert [type(error) for error in raised] == [Tripwire]
    assert wire.entered


def test_two_wires_at_once() -> None:
    def check() -> str:
        return view()

    with armed(view.__code__, stop=False) as inner, armed(check.__code__, stop=False) as outer:
        check()
    assert (inner.entered, outer.entered) == (True, True)


class Tracer:
    """Counts open calls, as coverage does, and like it puts itself in the place of whoever calls it."""

    def __init__(self, *, greedy: bool) -> None:
        self.depth, self.lines, self.greedy = 0, 0, greedy

    def __call__(self, frame: Any, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != __file__:
            return None
        self.depth += {"call": 1, "return": -1}.get(event, 0)
        self.lines += event == "line"
        if event == "call" and self.greedy:
            sys.settrace(self)
        return self


@pytest.mark.parametrize("greedy", [False, True])
def test_a_tracer_in_front_sees_everything_and_is_put_back(greedy: bool) -> None:
    tracer, before = Tracer(greedy=greedy), sys.gettrace()

    def work() -> None:
        with armed(view.__code__) as wire, pytest.raises(Tripwire):
            careful(view)()
        assert wire.entered
        careful(len)([])

    sys.settrace(tracer)
    try:
        work()
        left = sys.gettrace()
    finally:
        sys.settrace(before)
    assert left is tracer
    assert tracer.depth == 0
    assert tracer.lines > 3


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="sys.monitoring came with Python 3.12")
def test_without_a_free_tool_a_profile_function_does_it() -> None:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    taken = [number for number in range(6) if monitoring.get_tool(number) is None]
    for number in taken:
        monitoring.use_tool_id(number, "somebody")
    try:
        with armed(view.__code__) as wire, pytest.raises(Tripwire):
            view()
        assert wire.entered
    finally:
        for number in taken:
            monitoring.free_tool_id(number)


def test_a_profiler_is_put_back() -> None:
    def profiler(*_: Any) -> None:
        calls.append(1)

    calls: list[int] = []
    before = sys.getprofile()
    sys.setprofile(profiler)
    try:
        with armed(view.__code__) as wire, pytest.raises(Tripwire):
            view()
        left = sys.getprofile()
    finally:
        sys.setprofile(before)
    assert wire.entered
    assert left is profiler
    assert calls


def test_coverage_counts_the_lines_after_the_wire(tmp_path: Path) -> None:
    """A tracer that missed the end of a call takes all later lines for those of another file."""
    (tmp_path / "shop.py").write_text("def view():\n    return 1\n")
    (tmp_path / "work.py").write_text(
        "import shop\nfrom seatrial.observe.tripwire import Tripwire, armed\n\n\ndef work():\n"
        "    with armed(shop.view.__code__) as wire:\n        try:\n            shop.view()\n"
        "        except Tripwire:\n            pass\n    shop.view()\n    return wire.entered\n\n\nassert work()\n"
    )
    subprocess.run(
        [sys.executable, "-m", "coverage", "run", "--source=.", "work.py"], cwd=tmp_path, check=True, timeout=60
    )
    command = [sys.executable, "-m", "coverage", "json", "-o", "-", "-q"]
    done = subprocess.run(command, cwd=tmp_path, check=True, timeout=60, capture_output=True, text=True)
    missing = {name: found["missing_lines"] for name, found in json.loads(done.stdout)["files"].items()}
    assert missing == {"shop.py": [], "work.py": []}


class App:
    def dispatch(self) -> str:
        return view()


def test_armed_in_a_method_and_nowhere_else() -> None:
    app = App()
    with (
        armed_in(app, "dispatch", view.__code__, stop=False) as noticed,
        armed_in(app, "dispatch", view.__code__) as wire,
    ):
        assert isinstance(view(), str)
        assert (wire.entered, noticed.entered) == (False, False)
        with pytest.raises(Tripwire):
            app.dispatch()
        assert wire.entered
    assert vars(app) == {}
    assert app.dispatch() == "item 0"
