"""Whatever answers in place of an app: a clear outcome each, in time, and never an exception."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from deployment.certificates import Authority
from deployment.hostile import hostile
from flask import Flask
from rules.smoked import served

from seatrial.model.deployment import Expected, Tls
from seatrial.model.findings import Judgement
from seatrial.model.inventory import Route
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Rule
from seatrial.rules import smk
from seatrial.smoke import client, pages, ready, transport
from seatrial.smoke.base import parsed
from seatrial.smoke.client import Answer, Client
from seatrial.smoke.plan import Aim, Plan

LIMIT_S = 1.5


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with hostile() as address:
        yield address


def ask(url: str, path: str) -> Answer:
    started = time.monotonic()
    answer = Client(parsed(url), LIMIT_S, body_limit=100_000).ask("GET", path)
    assert time.monotonic() - started < LIMIT_S + 1.5
    return answer


@pytest.mark.parametrize(
    ("path", "kind", "said"),
    [
        ("/reset", client.BROKEN, "reset the connection"),
        ("/hang", client.TIMEOUT, "did not answer within 1.5 s"),
        ("/drip", client.TIMEOUT, "did not answer within 1.5 s"),
        ("/drip-body", client.TIMEOUT, "was not complete within 1.5 s"),
        ("/continue", client.TIMEOUT, "did not answer within 1.5 s"),
        ("/garbage", client.BROKEN, "sent what is no HTTP (BadStatusLine)"),
        ("/half", client.BROKEN, "broke off after 7 bytes"),
        ("/headers", client.BROKEN, "sent what is no HTTP (HTTPException)"),
        ("/long-header", client.BROKEN, "sent what is no HTTP (LineTooLong)"),
    ],
)
def test_what_is_no_answer_is_said_in_words(url: str, path: str, kind: str, said: str) -> None:
    answer = ask(url, path)
    assert (answer.kind, answer.failure) == (kind, said)


def test_bodies_are_read_up_to_a_limit(url: str) -> None:
    for path in ("/huge", "/bomb"):
        answer = ask(url, path)
        assert (len(answer.body), answer.cut, answer.failure) == (100_000, True, "")
    assert ask(url, "/packed").text == "Stockroom"


def test_what_is_not_utf_8_is_read_as_far_as_it_goes(url: str) -> None:
    answer = ask(url, "/latin")
    assert answer.text.endswith("Stockroom")
    assert answer.header("X-Name") == "é"


def test_a_refused_connection_and_a_name_that_nobody_has() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}"
    assert ask(closed, "/").failure == "refused the connection"
    assert ask("http://seatrial.invalid", "/").kind == client.UNKNOWN_HOST


def judged(url: str, path: str, expected: Expected, rule: Rule, token: str = "") -> Judgement:
    plan = Plan(parsed(url), aims=(Aim(Route("GET", path, "page", path=path), expected),), timeout_s=LIMIT_S)
    [visit] = pages.visits(plan, Client(plan.base, LIMIT_S, token=token, body_limit=100_000))
    return rule(visit)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/hang", "The route must answer 200 but it did not answer within 1.5 s"),
        ("/loop", "The route must answer 200 but it answered 302 to itself, and browsers give up"),
        ("/away", "The route must answer 200 but it answered 302 to 'https://sso.example/login'"),
        ("/reset", "The route must answer 200 but it reset the connection"),
    ],
)
def test_a_route_that_is_not_answered_fails(url: str, path: str, said: str) -> None:
    judgement = judged(url, path, Expected(200), smk.wrong_status)
    assert [finding.message for finding in judgement.findings] == [said]


def test_a_body_without_end_holds_no_text(url: str) -> None:
    judgement = judged(url, "/huge", Expected(200, contains=("Stockroom",)), smk.wrong_content)
    assert "longer than is read" in judgement.findings[0].message


def test_json_that_is_none(url: str) -> None:
    judgement = judged(url, "/latin", Expected(200, keys=("items.0.name",)), smk.wrong_content)
    assert "it is no JSON but text/html" in judgement.findings[0].message


def test_garbage_as_server_timing_proves_nothing(url: str) -> None:
    judgement = judged(url, "/timing", Expected(200, statements=3), smk.statements_over_budget, token="t")
    assert judgement.outcome is Outcome.NOT_PROVED
    assert "holds no number of statements" in judgement.reason


def arrived(url: str, path: str, ready_s: float = 0.3) -> ready.Front:
    return ready.arrive(Plan(parsed(url), ready=path, ready_s=ready_s, timeout_s=LIMIT_S))


def test_who_redirects_for_ever_is_not_ready(url: str) -> None:
    judgement = smk.not_ready(arrived(url, "/loop").readiness)
    assert "redirects for ever (5 times, at last to /loop)" in judgement.findings[0].message


def test_who_leads_to_another_host_is_not_the_app(url: str) -> None:
    front = arrived(url, "/away")
    assert front.readiness.ready
    assert "/away leads to sso.example" in smk.wrong_content(front.identity).findings[0].message


def test_a_page_without_the_marker_is_not_the_app(url: str) -> None:
    plan = Plan(parsed(url), ready="/packed", marker="Harbour", timeout_s=LIMIT_S)
    assert "without the marker 'Harbour'" in smk.wrong_content(ready.arrive(plan).identity).findings[0].message
    assert smk.wrong_content(ready.arrive(replace(plan, marker="Stockroom")).identity).outcome is Outcome.PASS


def test_what_is_refused_at_first_is_waited_for() -> None:
    """A rollout: nothing, then the app."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    plan = Plan(parsed(f"http://127.0.0.1:{port}"), ready="/packed", ready_s=10, timeout_s=LIMIT_S)
    said: list[str] = []

    def start(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            servers.append(socket.create_server(("127.0.0.1", port)))
            threading.Thread(target=_once, args=(servers[0],), daemon=True).start()

    servers: list[socket.socket] = []
    front = ready.arrive(plan, start)
    servers[0].close()
    assert front.readiness.ready
    assert front.readiness.asks == 3
    assert "refused the connection, waiting" in said[0]


def _once(server: socket.socket) -> None:
    for _ in range(2):
        peer, _ = server.accept()
        with peer:
            peer.recv(4096)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class TestTls:
    """Certificates that nobody should take, and a server that speaks no TLS."""

    @pytest.mark.parametrize(
        ("days", "host", "trusted", "said"),
        [
            (-1, "localhost", True, "certificate has expired"),
            (90, "other.example", True, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
            (90, "localhost", False, "unable to get local issuer certificate"),
        ],
    )
    def test_what_no_browser_takes(
        self, authority: Authority, days: float, host: str, trusted: bool, said: str
    ) -> None:
        found = self.look(authority, days, host, str(authority.file) if trusted else None)
        assert found.problem == said
        assert smk.tls(found).outcome is Outcome.FAIL

    def test_what_ends_soon_warns(self, authority: Authority) -> None:
        judgement = smk.tls(self.look(authority, 5, "localhost", str(authority.file)))
        assert [(f.level.value, f.message) for f in judgement.findings] == [
            ("warn", "The certificate must be valid for 14 days more but it ends in 5 days")
        ]

    def test_http_on_the_port_of_https(self, url: str) -> None:
        plan = Plan(parsed(url.replace("http:", "https:")), timeout_s=LIMIT_S, ready_s=0.2)
        front = ready.arrive(plan)
        assert front.untrusted
        assert (
            smk.tls(front.tls)
            .findings[0]
            .message.startswith("The connection must be trusted but no browser takes it: it could not agree on TLS")
        )

    def look(self, authority: Authority, days: float, host: str, ca: str | None) -> Tls:
        issued = authority.issue(f"{host}-{days}", days=days, host=host)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        with served(Flask("empty"), context) as address:
            plan = Plan(parsed(address), ca=ca)
            return transport.look(plan, transport.trusting(ca))
