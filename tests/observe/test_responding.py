"""A peer that a trial plays: it sees what was sent, whole, whatever client sent it."""

import asyncio
import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from seatrial.model.evidence import OutboundCall
from seatrial.observe import openid
from seatrial.observe.outbound import Answer, Request, claim, install, is_permitted, outbound_calls, responding

URL = "https://id.example/token?a=b"
BODY = b"x=1&" + b"y" * 70_000


@pytest.fixture(autouse=True)
def closed() -> None:
    install()


def by_urllib() -> Any:
    sent = urllib.request.Request(URL, data=BODY, headers={"Authorization": "Basic eA=="}, method="POST")
    with urllib.request.urlopen(sent) as answer:
        return json.loads(answer.read())


def by_requests() -> Any:
    requests = pytest.importorskip("requests")
    return requests.post(URL, data=BODY, headers={"Authorization": "Basic eA=="}, timeout=5).json()


def by_requests_in_chunks() -> Any:
    requests = pytest.importorskip("requests")

    def parts() -> Iterator[bytes]:
        yield BODY[:10]
        yield BODY[10:]

    return requests.post(URL, data=parts(), headers={"Authorization": "Basic eA=="}, timeout=5).json()


def by_httpx() -> Any:
    httpx = pytest.importorskip("httpx")
    return httpx.post(URL, content=BODY, headers={"Authorization": "Basic eA=="}).json()


def by_httpx_later() -> Any:
    httpx = pytest.importorskip("httpx")

    async def main() -> Any:
        async with httpx.AsyncClient() as client:
            return (await client.post(URL, content=BODY, headers={"Authorization": "Basic eA=="})).json()

    return asyncio.run(main())


def by_aiohttp() -> Any:
    aiohttp = pytest.importorskip("aiohttp")

    async def main() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.post(URL, data=BODY, headers={"Authorization": "Basic eA=="}) as answer,
        ):
            return await answer.json()

    return asyncio.run(main())


@pytest.mark.parametrize(
    "send",
    [by_urllib, by_requests, by_requests_in_chunks, by_httpx, by_httpx_later, by_aiohttp],
    ids=lambda f: f.__name__,
)
def test_the_peer_sees_the_whole_request(send: Callable[[], Any]) -> None:
    seen: list[Request] = []

    def peer(request: Request) -> Answer:
        seen.append(request)
        return Answer(200, b'{"said": "by the peer"}')

    with responding(peer), outbound_calls() as calls:
        assert send() == {"said": "by the peer"}
    [request] = seen
    assert (request.method, request.url, request.body) == ("POST", URL, BODY)
    assert request.headers["authorization"] == "Basic eA=="
    assert calls == [OutboundCall("id.example", 443, "POST", "/token", 200)]


def test_what_is_not_its_business_is_answered_as_ever() -> None:
    with responding(lambda _: None):
        assert by_urllib() == {}


def test_afterwards_the_stand_ins_answer_again() -> None:
    with responding(lambda _: Answer(200, b'{"said": "by the peer"}')):
        pass
    assert by_urllib() == {}


def test_a_peer_of_this_machine_is_answered_where_it_is_named() -> None:
    with responding(lambda _: Answer(200, b"[]")):
        claim("http://localhost:1/realm")
        with urllib.request.urlopen("http://localhost:1/x") as answer:
            assert answer.read() == b"[]"
        assert not is_permitted("localhost", 1)
        assert is_permitted("localhost", 6379)  # the app's own redis
    assert is_permitted("localhost", 1)


@pytest.mark.parametrize(
    ("url", "issuer"),
    [
        ("https://id.example/.well-known/openid-configuration", "https://id.example"),
        ("https://id.example/realms/shop/.well-known/openid-configuration", "https://id.example/realms/shop"),
        ("https://id.example/.well-known/oauth-authorization-server/shop", "https://id.example/shop"),
        ("https://id.example/.well-known/openid-configuration?v=2", "https://id.example"),
        ("https://id.example/token", ""),
    ],
)
def test_issuer_of_a_discovery_document(url: str, issuer: str) -> None:
    assert openid.issuer_of(url) == issuer
    document = openid.document(url)
    assert (document or {}).get("issuer", "") == issuer


def test_a_discovery_document_names_its_end_points_by_default() -> None:
    with urllib.request.urlopen("https://id2.example/shop/.well-known/openid-configuration") as answer:
        document = json.loads(answer.read())
    assert document["token_endpoint"] == "https://id2.example/shop/token"
    assert "https://id2.example/shop" in openid.ISSUERS
