"""The oracle: what counts as the same state, what as another one, and how the difference is told."""

import json

from seatrial.faults.shapes import Table
from seatrial.faults.state import (
    Call,
    Effects,
    compare,
    compare_effects,
    state_of,
    volatile,
)
from seatrial.faults.stores import Delta
from seatrial.model.webhooks import DOUBLE, LOST, OUTBOUND_LOST, OUTBOUND_REPEATED, PARTIAL

SCHEMA = {
    "account": Table("account", ("id",), {}, {"id": "integer", "credits": "integer", "seen": "time"}),
    "ledger": Table(
        "ledger", ("id",), {"account_id": ("account", "id")}, {"id": "integer", "account_id": "integer", "ref": "text"}
    ),
    "note": Table("note", ("id",), {"ledger_id": ("ledger", "id")}, {"id": "integer", "ledger_id": "integer"}),
    "event": Table("event", ("id",), {}, {"id": "integer", "name": "text", "status": "text", "tries": "integer"}),
    "log": Table("log", (), {}, {"line": "text"}),
}
NOTHING: frozenset[tuple[str, str]] = frozenset()
LEDGER = frozenset({"event"})


def account(credits: int, id: int = 1, before: int = 0) -> Delta:
    return {"account": ([{"id": id, "credits": credits, "seen": "x"}], [{"id": id, "credits": before, "seen": "x"}])}


def event(status: str = "processed", tries: int = 1) -> Delta:
    return {"event": ([{"id": 5, "name": "evt", "status": status, "tries": tries}], [])}


def booked(ledger_id: int, note_of: int, *, account_id: int = 1) -> Delta:
    return {
        "ledger": ([{"id": ledger_id, "account_id": account_id, "ref": "r"}], []),
        "note": ([{"id": 77, "ledger_id": note_of}], []),
    }


def same(one: Delta, other: Delta, left_out: frozenset[tuple[str, str]] = NOTHING) -> bool:
    return state_of(one, SCHEMA, left_out) == state_of(other, SCHEMA, left_out)


def test_a_burnt_surrogate_key_is_no_difference_and_a_child_of_the_new_row_follows_it() -> None:
    assert same(booked(1, 1), booked(9, 9))


def test_a_child_of_another_parent_is_a_difference() -> None:
    old_parent = booked(9, 3)  # row 3 was there before
    assert not same(booked(9, 9), old_parent)
    assert not same(booked(1, 1), booked(1, 1, account_id=2))


def test_an_update_of_another_old_row_is_a_difference() -> None:
    assert not same(account(100), account(100, id=2))


def test_columns_that_are_left_out_do_not_count() -> None:
    assert same(event(tries=1), event(tries=2), frozenset({("event", "tries")}))
    assert not same(event(tries=1), event(tries=2))


def test_an_old_row_in_which_only_a_left_out_column_changed_is_as_before() -> None:
    touched: Delta = {
        "account": ([{"id": 1, "credits": 0, "seen": "now"}], [{"id": 1, "credits": 0, "seen": "then"}]),
    }
    assert not state_of(touched, SCHEMA, frozenset({("account", "seen")}))


def test_equal_rows_of_a_table_without_a_key_are_counted() -> None:
    once: Delta = {"log": ([{"line": "a"}], [])}
    twice: Delta = {"log": ([{"line": "a"}, {"line": "a"}], [])}
    assert not same(once, twice)


def test_what_differs_between_two_clean_runs_is_volatile() -> None:
    first: Delta = {"event": ([{"id": 5, "name": "evt", "status": "t1", "tries": 1}], [])}
    second: Delta = {"event": ([{"id": 1005, "name": "evt", "status": "t2", "tries": 1}], [])}
    assert volatile(first, second, SCHEMA) == {("event", "id"), ("event", "status")}


def test_two_old_rows_that_swap_a_value_have_not_kept_it() -> None:
    def both(one: int, other: int) -> Delta:
        now = [{"id": 1, "credits": one, "seen": "x"}, {"id": 2, "credits": other, "seen": "x"}]
        return {"account": (now, [{"id": n, "credits": 0, "seen": "x"} for n in (1, 2)])}

    assert ("account", "credits") in volatile(both(1, 2), both(2, 1), SCHEMA)


def verdict(wanted: Delta, found: Delta) -> str:
    return compare(state_of(wanted, SCHEMA, NOTHING), state_of(found, SCHEMA, NOTHING), LEDGER).verdict


def test_verdicts() -> None:
    clean = {**account(100), **event()}
    assert verdict(clean, clean) == ""
    assert verdict(clean, event()) == LOST
    assert verdict(clean, {}) == LOST
    assert verdict(clean, {**account(200), **event()}) == DOUBLE
    assert verdict(clean, {**account(50), **event()}) == PARTIAL
    assert verdict(clean, {**clean, **booked(1, 1)}) == DOUBLE
    assert verdict({**clean, **booked(1, 1)}, clean) == PARTIAL


def test_where_only_the_record_was_to_change_it_is_lost_when_it_does_not_say_so() -> None:
    assert verdict(event(), event("received")) == LOST


def test_a_difference_tells_both_values_and_no_text_of_anybody() -> None:
    clean, other = state_of(account(100), SCHEMA, NOTHING), state_of(account(200), SCHEMA, NOTHING)
    [difference] = compare(clean, other).differences
    assert difference.told == "account[1]: credits 200 in place of 100"
    mail: Delta = {"event": ([{"id": 5, "name": "ada@example.com", "status": "x", "tries": 1}], [])}
    [difference] = compare(state_of(event(), SCHEMA, NOTHING), state_of(mail, SCHEMA, NOTHING)).differences
    assert "ada@example.com" not in difference.told
    assert "‹text›" in difference.told


def test_a_count_of_tries_is_told_apart_from_everything_else() -> None:
    def compared(found: Delta) -> bool:
        return compare(state_of(event(), SCHEMA, NOTHING), state_of(found, SCHEMA, NOTHING), LEDGER).only_counters

    assert compared(event(tries=2))
    assert not compared(event("failed", tries=2))
    assert not compared({**event(tries=2), **account(1)})


def calls(*pairs: tuple[str, str], vary: bool = False) -> Effects:
    return Effects(tuple(Call("POST", "https://mail.example/send", key, body) for key, body in pairs), vary)


def test_calls_with_the_same_key_are_one_effect_and_without_a_key_each_counts() -> None:
    assert not compare_effects(calls(("k", "b")), calls(("k", "b"), ("k", "b")))
    assert compare_effects(calls(("", "b")), calls(("", "b"), ("", "b"))).verdict == OUTBOUND_REPEATED
    assert compare_effects(calls(("k", "b")), calls(("k1", "b"), ("k2", "b"))).verdict == OUTBOUND_REPEATED
    assert compare_effects(calls(("k", "b")), calls()).verdict == OUTBOUND_LOST


def test_bodies_that_differ_between_clean_runs_do_not_tell_effects_apart() -> None:
    assert compare_effects(calls(("k", "b")), calls(("k", "c")))
    assert not compare_effects(calls(("k", "b"), vary=True), calls(("k", "c"), vary=True))


def test_a_cycle_of_new_rows_has_a_form() -> None:
    schema = {"a": Table("a", ("id",), {"b_id": ("a", "id")}, {"id": "integer", "b_id": "integer"})}
    ring: Delta = {"a": ([{"id": 1, "b_id": 2}, {"id": 2, "b_id": 1}], [])}
    assert state_of(ring, schema, NOTHING).total() == 2
    json.dumps([row.values for row in state_of(ring, schema, NOTHING)])
