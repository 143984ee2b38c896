"""What is read back from Flask-Limiter, its clock, and the sign that a view was reached."""

import time
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from flask import Flask, current_app
from flask.views import MethodView
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits.storage import MemoryStorage

from seatrial.observe.tripwire import armed, body
from seatrial.target import protections
from seatrial.target.clock import standing_clock


def plain(view: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that forgets functools.wraps."""

    def wrapper(*arguments: Any, **options: Any) -> Any:
        return view(*arguments, **options)

    return wrapper


class Cached:
    """A decorator that is a class and says nothing of what it wraps."""

    def __init__(self, view: Callable[..., Any]) -> None:
        self.view = view
        self.visitor = current_app  # outside of a request it answers nothing
        self.__name__, self.__qualname__, self.__module__ = view.__name__, view.__qualname__, view.__module__

    def __call__(self) -> Any:
        return self.view()


def built(**options: Any) -> tuple[Flask, Limiter]:
    app = Flask(__name__)
    limiter = Limiter(get_remote_address, storage_uri="memory://", **options)
    app.extensions["kept"] = limiter

    def first() -> str:
        return "first"

    def second() -> str:
        return "second"

    def third() -> str:
        return "third"

    class Page(MethodView):
        decorators: ClassVar[list[Any]] = [limiter.limit("5/minute")]

        def get(self) -> str:
            return "page"

    app.add_url_rule("/right", "right", limiter.limit("2/minute")(first))
    app.add_url_rule("/page", "page", Page.as_view("page"))
    app.add_url_rule("/hidden", "hidden", plain(limiter.limit("2/minute")(second)))
    app.add_url_rule("/cached", "cached", Cached(limiter.limit("2/minute")(lambda: "cached")))
    limiter.limit("2/minute")(third)
    app.add_url_rule("/above", "above", third)
    limiter.init_app(app)
    return app, limiter


def test_limits_that_run_and_limits_that_are_dead() -> None:
    app, _ = built()
    assert {name: protections.dead_limit(app, name) for name in app.view_functions if name != "static"} == {
        "right": "",
        "page": "",
        "hidden": "",
        "cached": "",
        "above": "order",
    }
    assert protections.rate_limits(app, "above", "GET") == ()


def test_what_is_dead_really_never_refuses() -> None:
    app, _ = built(default_limits=["3/minute"])
    asked = {path: [app.test_client().get(path).status_code for _ in range(4)] for path in ("/above", "/hidden")}
    assert asked == {"/above": [200] * 4, "/hidden": [200, 200, 429, 429]}


def test_namesakes_take_each_others_limits() -> None:
    app, limiter = built(default_limits=["3/minute"])
    limited, twin = limiter.limit("2/minute")(plain(lambda: "one")), plain(lambda: "two")
    app.add_url_rule("/one", "one", limited)
    app.add_url_rule("/two", "two", twin)
    assert [protections.dead_limit(app, name) for name in ("one", "two")] == ["", "name"]
    assert [app.test_client().get("/two").status_code for _ in range(4)] == [200] * 4
    limiter.exempt(twin)
    assert protections.dead_limit(app, "one") == "exempt"
    assert [app.test_client().get("/one").status_code for _ in range(4)] == [200] * 4


def test_where_it_counts() -> None:
    app, _ = built()
    assert protections.storages(app) == ((MemoryStorage.__name__, True),)
    assert protections.storage_answers(app)


def test_questions_are_noted_and_can_be_left_unanswered() -> None:
    app, _ = built()
    client = app.test_client()
    with protections.watched_limiters(app) as outer:
        with protections.watched_limiters(app) as inner:
            client.get("/right")
        client.get("/right")
    assert (outer, inner) == (["hit", "hit"], ["hit"])
    with protections.watched_limiters(app, down=True):
        assert client.get("/right").status_code == 500
    assert client.get("/right").status_code == 429


def test_a_fallback_is_left_when_the_storage_is_back() -> None:
    app, _ = built(in_memory_fallback_enabled=True)
    client = app.test_client()
    with protections.watched_limiters(app, down=True):
        assert [client.get("/right").status_code for _ in range(3)] == [200, 200, 429]
    with protections.watched_limiters(app) as asked:
        assert client.get("/right").status_code == 200
    assert asked == ["hit"]


def test_time_stands_still_for_the_limiter_and_is_moved() -> None:
    app, _ = built()
    client = app.test_client()
    with standing_clock("limits", "flask_limiter") as clock:
        assert [client.get("/right").status_code for _ in range(3)] == [200, 200, 429]
        clock.now += 61
        assert client.get("/right").status_code == 200
        assert abs(time.time() - clock.now) > 50
    import limits.storage.memory

    assert limits.storage.memory.time is time


@pytest.mark.parametrize(("path", "endpoint"), [("/right", "right"), ("/page", "page"), ("/above", "above")])
def test_the_body_of_a_view_is_seen_through_its_decorators(path: str, endpoint: str) -> None:
    app, _ = built()
    code, unseen = body(app.view_functions[endpoint], "GET")
    assert not unseen
    for asked, seen in ((path, True), ("/nowhere", False)):
        with armed(code, stop=False) as wire:
            app.test_client().get(asked)
        assert wire.entered is seen
