"""The log lines: what they say, what they never say, and how many there are at most."""

import logging
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from monitor.shops import Item, Records, database, shop

from seatrial.monitor import Monitor, limits
from seatrial.monitor.lines import KEYS_KEPT, Flood


def get(app: Flask, path: str, times: int = 1) -> None:
    for _ in range(times):
        app.test_client().get(path, buffered=True)


def test_a_slow_statement(logged: Records) -> None:
    app = shop(slow_statement_ms=20)
    get(app, "/slow/30")
    [line] = logged.lines()
    assert line["sql"] == "SELECT sleep_ms(?), ? AS secret"
    assert len(line["fingerprint"]) == 12
    assert 30 <= line["statement_ms"] <= line["database_ms"] <= line["total_ms"] < 3000
    del line["sql"], line["fingerprint"], line["statement_ms"], line["database_ms"], line["total_ms"]
    assert line == {
        "event": "slow-statement",
        "app": "shop",
        "route": "GET /slow/<int:ms>",
        "endpoint": "slow",
        "status": 200,
        "statements": 1,
        "slow_statements": 1,
        "engine": "sqlite",
        "suppressed": 0,
    }


def test_the_fields_are_on_the_record_too(logged: Records) -> None:
    get(shop(slow_statement_ms=20), "/slow/30")
    [record] = logged.records
    assert record.levelno == logging.WARNING
    assert record.seatrial_route == "GET /slow/<int:ms>"
    assert record.seatrial_sql == "SELECT sleep_ms(?), ? AS secret"


def test_what_is_quick_says_nothing(logged: Records) -> None:
    get(shop(), "/send/50")
    assert logged.records == []


def test_a_request_over_its_statements_names_the_one_that_repeats(logged: Records) -> None:
    get(shop(max_statements=5), "/send/6")
    [line] = logged.lines()
    assert (line["event"], line["statements"], line["over"], line["times"]) == (
        "request-over-limit", 6, {"statements": 5}, 6,
    )  # fmt: skip
    assert line["sql"] == "SELECT item.id, item.name FROM item"


def test_a_request_over_its_database_time_names_the_one_that_took_it(logged: Records) -> None:
    get(shop(max_database_ms=20, slow_statement_ms=None), "/slow/30")
    [line] = logged.lines()
    assert (line["event"], line["over"]) == ("request-over-limit", {"database_ms": 20})
    assert line["sql"].startswith("SELECT sleep_ms(?)")


def test_limits_of_a_route(logged: Records) -> None:
    mapping = {"GET /send/<int:count>": {"statements": 9}, "fail": {"statements": None}}
    app = shop(max_statements=2, route_limits=mapping)
    app.add_url_rule(
        "/own", view_func=limits(statements=4)(lambda: app.extensions["tests.send"](4) or "x"), endpoint="own"
    )
    for path in ("/send/9", "/fail/30", "/own"):
        get(app, path)
    assert logged.lines() == []
    get(app, "/send/10")
    app.test_client().head("/send/10")
    assert [line["over"] for line in logged.lines()] == [{"statements": 9}] * 2


def test_the_mapping_goes_before_the_decorator(logged: Records) -> None:
    app = Flask("shop")
    engine = database()

    @app.get("/")
    @limits(statements=100, database_ms=None)
    def home() -> str:
        with engine.connect() as connection:
            for _ in range(3):
                connection.execute(sa.select(Item))
        return "home"

    Monitor(app, route_limits={"home": {"statements": 2}})
    get(app, "/")
    assert [line["over"] for line in logged.lines()] == [{"statements": 2}]


def test_limits_that_name_no_route_are_told_once(logged: Records) -> None:
    app = shop(route_limits={"GET /gone": {"statements": 3}, "send": {"statements": 3}, "plain": {"statements": 3}})
    get(app, "/send/1", times=3)
    told = [record.getMessage() for record in logged.records]
    assert len(told) == 2
    assert "'GET /gone', which is no route of the app" in told[0]


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT id FROM item WHERE sleep_ms(30) IS NULL AND name = 'hunter2'", {}),
        ("SELECT id FROM item WHERE sleep_ms(30) IS NULL AND name = 'it''s hunter2' -- hunter2", {}),
        ("SELECT id FROM item WHERE sleep_ms(30) IS NULL AND name = :name", {"name": "hunter2"}),
        ("INSERT INTO item (name) SELECT 'hunter2' FROM (SELECT sleep_ms(30))", {}),
        ("SELECT id FROM item /* hunter2 */ WHERE sleep_ms(30) IS NULL AND id + 0 IN (7001, 7002)", {}),
    ],
)
def test_no_value_leaves_the_process(logged: Records, sql: str, parameters: dict[str, Any]) -> None:
    app, engine = Flask("shop"), database()

    @app.get("/find/<name>")
    def find(name: str) -> str:
        with engine.begin() as connection:
            connection.execute(sa.text(sql), parameters)
        return "found"

    Monitor(app, slow_statement_ms=20, max_database_ms=20)
    app.test_client().get("/find/hunter2?q=hunter2", headers={"Cookie": "hunter2=hunter2"})
    assert {line["event"] for line in logged.lines()} == {"slow-statement", "request-over-limit"}
    for record in logged.records:
        assert "hunter2" not in str(vars(record))
        assert "700" not in record.seatrial_sql


def test_in_lists_of_any_length_are_one_statement(logged: Records) -> None:
    app, engine = Flask("shop"), database()

    @app.get("/")
    def home() -> str:
        with engine.connect() as connection:
            for length in (1, 2, 5):
                connection.execute(sa.select(Item.name).where(Item.id.in_(range(length))))
                connection.exec_driver_sql(f"SELECT id FROM item WHERE id = {length}")
        return "home"

    Monitor(app, max_statements=5)
    get(app, "/")
    [line] = logged.lines()
    assert (line["statements"], line["times"]) == (6, 3)


def test_a_long_statement_is_cut(logged: Records) -> None:
    app, engine = Flask("shop"), database()

    @app.get("/")
    def home() -> str:
        with engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT sleep_ms(30), " + ", ".join(f"name AS a{n}" for n in range(900)) + " FROM item"
            )
        return "home"

    Monitor(app, slow_statement_ms=20)
    get(app, "/")
    [line] = logged.lines()
    assert len(line["sql"]) == 2001
    assert line["sql"].endswith("…")


def test_many_slow_statements_of_one_request(logged: Records) -> None:
    app, engine = Flask("shop"), database()

    @app.get("/")
    def home() -> str:
        with engine.connect() as connection:
            for number in range(30):
                connection.exec_driver_sql(f"SELECT sleep_ms(2) AS a{number} FROM item LIMIT 1")
        return "home"

    Monitor(app, slow_statement_ms=1, max_database_ms=None, log_lines_per_minute=100)
    get(app, "/")
    lines = logged.lines("slow-statement")
    assert len(lines) == 20
    assert {line["slow_statements"] for line in lines} == {30}


def test_a_flood_is_held_back_and_counted(logged: Records) -> None:
    app = shop(max_statements=1, log_lines_per_minute=3)
    clock = [0.0]
    app.extensions["seatrial.monitor"]._lines._flood = Flood(3, lambda: clock[0])
    get(app, "/send/2", times=10)
    assert len(logged.lines()) == 3
    get(app, "/fail/2")  # another route has a count of its own
    assert len(logged.lines()) == 4
    clock[0] = 61
    get(app, "/send/2")
    assert [line["suppressed"] for line in logged.lines()] == [0, 0, 0, 0, 7]


def test_what_was_suppressed_is_told_though_nothing_more_comes(logged: Records) -> None:
    app = shop(max_statements=1)
    clock = [0.0]
    app.extensions["seatrial.monitor"]._lines._flood = Flood(1, lambda: clock[0])
    get(app, "/send/2", times=5)
    clock[0] = 61
    get(app, "/fail/2")
    [line] = logged.lines("suppressed")
    assert (line["of"], line["route"], line["suppressed"]) == ("request-over-limit", "GET /send/<int:count>", 4)


def test_the_flood_control_is_bounded() -> None:
    flood = Flood(1, lambda: 0.0)
    admitted = [flood.admit(("slow-statement", "GET /", str(number))) for number in range(5 * KEYS_KEPT)]
    assert len(flood._windows) <= KEYS_KEPT + 1
    assert admitted.count(0) == KEYS_KEPT + 1
