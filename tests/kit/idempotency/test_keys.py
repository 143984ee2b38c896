"""First, replay, other body, concurrent, malformed, missing, somebody else's: as the IETF draft has them."""

import io
import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, request
from kit.idempotency.bank import KEY, Bank, opened
from sqlalchemy.orm import sessionmaker
from werkzeug.exceptions import BadRequest
from werkzeug.test import EnvironBuilder

from seatrial.kit.idempotency import IdempotencyKeys
from seatrial.kit.idempotency.header import KeyMalformed, fingerprint, read_key


@pytest.fixture
def bank(url: str) -> Iterator[Bank]:
    with opened(url) as bank:
        yield bank


def code(answer: Any) -> str:
    return str(answer.get_json()["error"]["code"])


def test_the_first_answer_is_stored_and_given_again(bank: Bank) -> None:
    first = bank.post(amount=5)
    again = bank.post(amount=5)
    assert (first.status_code, first.get_json(), first.headers["Location"]) == (201, {"number": 1}, "/transfers/1")
    assert (again.status_code, again.data, again.headers["Location"]) == (201, first.data, "/transfers/1")
    assert (again.content_type, again.content_length) == (first.content_type, first.content_length)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert ("Set-Cookie" in first.headers, "Set-Cookie" in again.headers) == (True, False)
    assert (bank.moved(), bank.calls) == ([5], 1)


def test_another_body_or_another_route_under_the_key_is_422(bank: Bank) -> None:
    bank.post(amount=5)
    other = bank.post(amount=6)
    assert (other.status_code, code(other)) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert bank.post("/refunds", amount=5).status_code == 422
    assert bank.post("/transfers?twice=1", amount=5).status_code == 422
    assert (bank.moved(), bank.calls) == ([5], 1)


def test_json_written_another_way_is_the_same_body(bank: Bank) -> None:
    bank.post(amount=5, note="é")
    again = bank.app.test_client().post(
        "/transfers",
        data='{ "note" : "\\u00e9", "amount":5 }',
        headers={"Idempotency-Key": KEY, "X-User": "jo"},
        content_type="application/json",
    )
    assert (again.status_code, bank.calls) == (201, 1)


def test_forms_are_told_apart_also_when_a_hook_has_read_them(bank: Bank) -> None:
    bank.app.before_request(lambda: request.form.get("token") and None)

    def sent(amount: str, kind: str) -> int:
        headers = {"Idempotency-Key": KEY, "X-User": kind}
        data: dict[str, Any] = {"amount": amount}
        if kind == "files":
            data["slip"] = (io.BytesIO(amount.encode()), "slip.txt")
        return bank.app.test_client().post("/transfers", data=data, headers=headers).status_code

    for kind in ("fields", "files"):
        assert [sent("5", kind), sent("5", kind), sent("6", kind)] == [201, 201, 422]
    assert bank.moved() == [5, 5]


def test_a_key_is_missing_only_where_it_is_required(bank: Bank) -> None:
    missing = bank.post(key=None, amount=5)
    assert (missing.status_code, code(missing)) == (400, "IDEMPOTENCY_KEY_MISSING")
    assert [bank.post("/refunds", key=None).get_json()["number"] for _ in range(2)] == [1, 2]
    assert bank.moved() == [-1, -1]


@pytest.mark.parametrize(
    "key", ["", '""', '"open', 'closed"', "two words", '"é"', "a,b", f'"{"x" * 256}"', "a\tb", "'a'"]
)
def test_malformed_keys_are_400(bank: Bank, key: str) -> None:
    answer = bank.post(key=key.encode().decode("latin-1"), amount=5)
    assert (answer.status_code, code(answer)) == (400, "IDEMPOTENCY_KEY_MALFORMED")
    assert bank.moved() == []


def test_two_headers_are_no_key(bank: Bank) -> None:
    headers = [("Idempotency-Key", '"a"'), ("Idempotency-Key", '"b"'), ("X-User", "jo")]
    answer = bank.app.test_client().post("/transfers", json={"amount": 5}, headers=headers)
    assert (answer.status_code, bank.calls) == (400, 0)


@pytest.mark.parametrize(
    "key", ["8e03978e-40d5-43e8-bc93-6894a57f9324", '"with spaces and \\"quotes\\""', '"' + "x" * 255 + '"']
)
def test_keys_in_quotes_and_plain_ones_are_keys(bank: Bank, key: str) -> None:
    assert [bank.post(key=key, amount=5).status_code for _ in range(2)] == [201, 201]
    assert bank.calls == 1


def test_the_drafts_form_alone_is_taken_when_strict() -> None:
    with opened("sqlite://", strict=True):
        pass
    for sent, strict, wanted in (('"a"', True, "a"), ("a", False, "a"), ('"a"', False, "a")):
        asked = Flask("x").request_class(EnvironBuilder(headers={"Idempotency-Key": sent}).get_environ())
        assert read_key(asked, required=True, strict=strict) == wanted
    asked = Flask("x").request_class(EnvironBuilder(headers={"Idempotency-Key": "a"}).get_environ())
    with pytest.raises(KeyMalformed):
        read_key(asked, required=True, strict=True)


def test_keys_of_different_users_never_meet(bank: Bank) -> None:
    assert bank.post(amount=5, user="jo").get_json() == {"number": 1}
    assert bank.post(amount=7, user="ann").get_json() == {"number": 2}
    assert bank.post(amount=5, user="jo").get_json() == {"number": 1}
    assert bank.moved() == [5, 7]
    assert all("jo" not in row.owner for row in bank.stored())


def test_a_key_of_nobody_is_refused(bank: Bank) -> None:
    assert bank.post(amount=5, user=None).status_code == 401
    assert bank.moved() == []


def test_refusals_and_errors_are_not_stored_and_leave_nothing(bank: Bank) -> None:
    assert [bank.post(amount=2000).status_code for _ in range(2)] == [422, 422]
    assert [bank.post("/odd", key='"b"', **{"raise": "no"}).status_code for _ in range(2)] == [500, 500]
    assert [bank.post("/odd", key='"c"', status=503).status_code for _ in range(2)] == [503, 503]
    assert (bank.calls, bank.moved(), bank.stored()) == (6, [], [])
    assert bank.post(amount=5).status_code == 201  # the key of a refused request is free


def test_a_4xx_that_the_view_returns_is_an_answer_like_another(bank: Bank) -> None:
    assert [bank.post("/odd", status=409).status_code for _ in range(2)] == [409, 409]
    assert bank.calls == 1


def test_a_view_that_commits_is_stopped_before_it_does(bank: Bank) -> None:
    assert bank.post("/odd", commit=True).status_code == 500
    assert bank.post("/odd", key=None, commit=True).status_code == 500
    assert (bank.moved(), bank.stored()) == ([], [])


def test_a_view_that_rolls_back_and_succeeds_is_an_error(bank: Bank) -> None:
    assert bank.post("/odd", rollback=True).status_code == 500
    assert bank.post("/odd", rollback=True, status=409).status_code == 409
    assert bank.stored() == []


def test_an_answer_that_is_too_large_to_store_is_an_error(bank: Bank) -> None:
    assert bank.post("/odd", length=1024 * 1024 + 1).status_code == 500
    assert (bank.moved(), bank.stored()) == ([], [])


def test_an_old_answer_is_forgotten(bank: Bank) -> None:
    bank.post(amount=5)
    bank.ahead = timedelta(hours=23)
    assert bank.post(amount=5).get_json() == {"number": 1}
    bank.ahead = timedelta(hours=25)
    assert bank.post(amount=6).get_json() == {"number": 2}
    with bank.app.app_context():
        assert bank.keys.purge() == 0
        bank.ahead = timedelta(hours=50)
        assert bank.keys.purge() == 1


def test_other_codes_can_be_chosen(url: str) -> None:
    class Reused(BadRequest):
        error_code = "REUSED"

    with opened(url, reused=Reused) as bank:
        bank.post(amount=5)
        assert code(bank.post(amount=6)) == "REUSED"


def child_of(bank: Bank, **body: Any) -> tuple[int, int]:
    """(pid, pipe): a request in a process of its own that says when it is inside the view, and stays there."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            whole = bank.db.session.execute

            def stay(*args: Any, **kwargs: Any) -> Any:
                done = whole(*args, **kwargs)
                if getattr(args[0], "table", None) is bank.transfer:
                    os.write(writing, b"!")
                    signal.pause()
                return done

            bank.db.session.execute = stay  # type: ignore[method-assign]
            bank.post(**body)
        finally:
            os._exit(0)
    os.close(writing)
    return child, reading


def test_a_request_at_the_same_time_is_409_and_the_death_of_the_first_frees_the_key(bank: Bank) -> None:
    child, pipe = child_of(bank, amount=5)
    try:
        assert os.read(pipe, 1) == b"!"
        at_once = bank.post(amount=5)
        assert (at_once.status_code, code(at_once)) == (409, "IDEMPOTENCY_KEY_IN_FLIGHT")
        assert at_once.headers["Retry-After"] == "1"
        if bank.engine.dialect.name == "postgresql":  # SQLite has one writer
            assert bank.post(key='"another"', amount=6).status_code == 201
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(pipe)
    before = bank.moved()
    assert [bank.post(amount=5).status_code for _ in range(2)] == [201, 201]
    assert bank.moved() == [*before, 5]


def test_requests_at_once_have_one_effect(postgres_url: str) -> None:
    with opened(postgres_url) as bank:
        for number in range(5):
            children = []
            for _ in range(4):
                child = os.fork()
                if child == 0:
                    status = 0
                    try:
                        status = bank.post(key=f'"{number}"', amount=number).status_code
                    finally:
                        os._exit({201: 1, 409: 2}.get(status, 3))
                children.append(child)
            said = {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
            assert said <= {1, 2}
            assert 1 in said
        assert bank.moved() == [0, 1, 2, 3, 4]


def test_any_crash_point_leaves_one_effect_and_one_answer(bank: Bank) -> None:
    """Killed before each statement and around the commit, then repeated: one transfer, and the same answer twice."""
    point, crossed = 0, True
    while crossed:
        point += 1
        with bank.engine.begin() as connection:
            connection.execute(bank.transfer.delete())
            connection.execute(bank.keys.table.delete())
        crossed = killed_at(bank, point)
        answers = [bank.post(amount=5) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201], point
        assert answers[0].data == answers[1].data
        assert bank.moved() == [5], point
    assert point > 6


def killed_at(bank: Bank, point: int) -> bool:
    """Whether the request got as far as that boundary."""
    child = os.fork()
    if child == 0:
        try:
            count = 0
            dialect = bank.engine.dialect

            def crossed(*_: Any) -> None:
                nonlocal count
                count += 1
                if count == point:
                    os.kill(os.getpid(), signal.SIGKILL)

            def commit(connection: Any, whole: Any = dialect.do_commit) -> None:
                crossed()
                whole(connection)
                crossed()

            bank.engine.connect().close()
            sa.event.listen(bank.engine, "do_execute", crossed)
            dialect.do_commit = commit  # type: ignore[method-assign]
            bank.post(amount=5)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_a_session_that_the_views_do_not_use_is_refused() -> None:
    with pytest.raises(TypeError, match=r"db\.session or a scoped_session"):
        IdempotencyKeys(sessionmaker(), sa.MetaData(), owner=lambda: "jo")


def test_the_fingerprint_of_a_body_that_is_called_json_and_is_none() -> None:
    def of(body: bytes) -> str:
        built = EnvironBuilder(method="POST", data=body, content_type="application/json")
        return fingerprint(Flask("x").request_class(built.get_environ()))

    assert of(b"{") != of(b"[")
    assert of(b"[" * 100_000) == of(b"[" * 100_000)
