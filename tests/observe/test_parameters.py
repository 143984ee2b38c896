"""Parameters are compared, never kept."""

import datetime
import decimal
import uuid
from typing import Any

import pytest

from seatrial.observe.parameters import parameters_hash


class Unwilling:
    def __hash__(self) -> int:
        raise RuntimeError("no")


class Plain:
    pass


@pytest.mark.parametrize(
    "make",
    [
        lambda: (),
        lambda: (1, "a", None, 2.5, b"x", True),
        lambda: {"a": 1, "b": "x"},
        lambda: [(1, 2), (3, 4)],
        lambda: [{"a": 1}, {"a": 2}],
        lambda: ([1, 2], {"k": [1]}, {3}, bytearray(b"x"), memoryview(b"y")),
        lambda: (datetime.date(2026, 1, 1), decimal.Decimal("1.5"), uuid.UUID(int=7)),
        lambda: ("x" * 1_000_000,),
        lambda: [(i,) for i in range(20_000)],
    ],
)
def test_equal_parameters_are_equal(make: Any) -> None:
    assert parameters_hash(make()) == parameters_hash(make())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1,), (2,)),
        (("1",), (1,)),
        ((1, 2), (2, 1)),
        ({"a": 1}, {"a": 2}),
        ([(1,)], [(1,), (1,)]),
        (([1],), ([2],)),
        (({"k": 1},), ({"k": 2},)),
        ((b"a",), (b"b",)),
    ],
)
def test_different_parameters_are_different(one: Any, other: Any) -> None:
    assert parameters_hash(one) != parameters_hash(other)


def test_what_cannot_be_compared_equals_nothing() -> None:
    # An object that hashes by identity may be freed, and its address be taken by the next one.
    for make in (Plain, Unwilling):
        value = make()
        assert parameters_hash((value,)) != parameters_hash((value,))


def test_nested_without_end() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert isinstance(parameters_hash((loop,)), int)


def test_json_of_psycopg_is_compared_by_content() -> None:
    json = pytest.importorskip("psycopg.types.json")
    assert parameters_hash((json.Jsonb({"a": 1}),)) == parameters_hash((json.Jsonb({"a": 1}),))
    assert parameters_hash((json.Jsonb({"a": 1}),)) != parameters_hash((json.Jsonb({"a": 2}),))


def test_salted() -> None:
    assert parameters_hash((1,)) != hash((1,))
