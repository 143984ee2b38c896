"""Nothing leaves the machine, and what was tried is known."""

import _socket
import asyncio
import errno
import gc
import http.client
import smtplib
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from seatrial.model.evidence import OutboundCall
from seatrial.observe.addresses import is_loopback
from seatrial.observe.outbound import StandIn, install, outbound_calls, stray_calls, uninstall

FAR = "203.0.113.7"  # TEST-NET-3: nobody answers there


@pytest.fixture(autouse=True)
def closed() -> None:
    install()


def tcp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def udp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


async def open_stream() -> None:
    await asyncio.open_connection("host.example", 443)


REFUSED: list[tuple[str, Callable[[], Any], tuple[str, int | None]]] = [
    ("connect", lambda: tcp().connect((FAR, 80)), (FAR, 80)),
    ("connect by name", lambda: tcp().connect(("host.example", 80)), ("host.example", 80)),
    ("connect to IPv6", lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)), ("2001:db8::1", 80)),
    ("create_connection", lambda: socket.create_connection(("host.example", 6379), 5), ("host.example", 6379)),
    ("sendto", lambda: udp().sendto(b"x", (FAR, 53)), (FAR, 53)),
    ("sendto with flags", lambda: udp().sendto(b"x", 0, (FAR, 53)), (FAR, 53)),
    ("sendmsg", lambda: udp().sendmsg([b"x"], [], 0, (FAR, 53)), (FAR, 53)),
    ("getaddrinfo", lambda: socket.getaddrinfo("host.example", 443), ("host.example", 443)),
    ("getaddrinfo of a service", lambda: socket.getaddrinfo(b"host.example", "https"), ("host.example", None)),
    ("gethostbyname", lambda: socket.gethostbyname("host.example"), ("host.example", None)),
    ("gethostbyname_ex", lambda: socket.gethostbyname_ex("host.example"), ("host.example", None)),
    ("gethostbyaddr", lambda: socket.gethostbyaddr(FAR), (FAR, None)),
    ("smtplib", lambda: smtplib.SMTP("smtp.example", 587), ("smtp.example", 587)),
    ("asyncio", lambda: asyncio.run(open_stream()), ("host.example", 443)),
    # below the wrapped functions: gevent's sockets, functions imported before the installation
    ("C connect", lambda: _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM).connect((FAR, 80)), (FAR, 80)),
    ("C sendto", lambda: _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM).sendto(b"x", (FAR, 53)), (FAR, 53)),
    ("C getaddrinfo", lambda: _socket.getaddrinfo("host.example", 443), ("host.example", 443)),
    ("C gethostbyname", lambda: _socket.gethostbyname("host.example"), ("host.example", None)),
]


@pytest.mark.parametrize(("attempt", "where"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refused_at_once_and_recorded_once(attempt: Callable[[], Any], where: tuple[str, int | None]) -> None:
    started = time.monotonic()
    with outbound_calls() as calls, pytest.raises(ConnectionRefusedError, match="allow_hosts") as refusal:
        attempt()
    assert time.monotonic() - started < 1
    assert refusal.value.errno == errno.ECONNREFUSED
    assert calls == [OutboundCall(*where)]
    del refusal
    gc.collect()  # its traceback holds the socket: another test makes errors of warnings, and must not answer for it


def test_connect_ex_answers_with_a_number() -> None:
    with outbound_calls() as calls:
        assert tcp().connect_ex((FAR, 80)) == errno.ECONNREFUSED
    assert calls == [OutboundCall(FAR, 80)]


def test_loopback_and_unix_sockets_are_free(tmp_path: Any) -> None:
    with outbound_calls() as calls:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            for host in ("127.0.0.1", "localhost", "0.0.0.0"):
                socket.create_connection((host, port), 5).close()
            assert tcp().connect_ex(("127.0.0.1", port)) == 0
            udp().sendto(b"x", ("127.0.0.1", port))
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind(str(tmp_path / "s"))
            unix.listen()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(tmp_path / "s"))
        socket.getfqdn()
        socket.gethostbyname(socket.gethostname())
        with pytest.raises(ConnectionRefusedError, match=r"^\[Errno 111\] Connection refused$"):
            socket.create_connection(("127.0.0.1", port), 5)
    assert calls == []


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True), ("localhost.", True),
        (b"LOCALHOST", True), ("0.0.0.0", True), ("::", True), ("::ffff:127.0.0.1", True), (None, True), ("", True),
        ("10.0.0.1", False), ("169.254.169.254", False), ("localhost.example", False), ("127.0.0.1.example", False),
        ("::ffff:10.0.0.1", False), ("2130706433", False), ("\udcff", False),
    ],
)  # fmt: skip
def test_loopback(host: Any, is_one: bool) -> None:
    assert is_loopback(host) is is_one


def test_allowed_host_and_port_only(monkeypatch: pytest.MonkeyPatch) -> None:
    install(allow=[("DB.internal", 5432), (FAR, None)])
    from seatrial.observe import outbound

    outbound.learn("db.internal", ["203.0.113.9"])
    assert outbound.may_resolve("db.internal.")
    for host in ("db.internal", "203.0.113.9"):
        assert outbound.is_permitted(host, 5432)
        assert not outbound.is_permitted(host, 80)
    assert outbound.is_permitted(FAR, 1)
    assert not outbound.may_resolve("other.internal")


def test_a_resolved_name_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    from seatrial.observe import outbound, sockets

    install(allow=[("db.internal", 5432)])
    lookup = sockets._guarded_lookup(lambda *_: [(2, 1, 6, "", ("203.0.113.9", 5432))])
    lookup("db.internal", 5432)
    assert outbound.is_permitted("203.0.113.9", 5432)
    assert not outbound.is_permitted("203.0.113.9", 22)


def test_scopes_nest_and_follow_threads() -> None:
    def attempt() -> None:
        tcp().connect_ex((FAR, 80))

    with outbound_calls() as outer:
        with outbound_calls() as inner:
            thread = threading.Thread(target=attempt)
            thread.start()
            thread.join()
            with ThreadPoolExecutor(1) as pool:
                pool.submit(attempt).result()
        attempt()
    assert (len(inner), len(outer)) == (2, 3)


def test_calls_outside_of_every_scope_are_known() -> None:
    tcp().connect_ex((FAR, 8125))
    assert stray_calls()[-1] == OutboundCall(FAR, 8125)


def test_uninstalled_lets_pass() -> None:
    uninstall()
    with outbound_calls() as calls:
        connection = http.client.HTTPConnection("host.example")
        assert "connect" not in vars(connection)
    assert calls == []


# ---------------------------------------------------------------------------------------------------- stand-ins
def test_urllib() -> None:
    with outbound_calls() as calls:
        answer = urllib.request.urlopen("https://api.example/v1/things?token=hush", data=b"x" * 300_000)
        assert (answer.status, answer.read(), answer.headers["Content-Type"]) == (200, b"{}", "application/json")
    assert calls == [OutboundCall("api.example", 443, "POST", "/v1/things", 200)]


def test_configured_answers_first_match_wins() -> None:
    install(
        stand_ins=[
            StandIn("https://mail.example/v?/send", 202, {"queued": True}),
            StandIn("https://mail.example/*", 503, ["down"]),
            StandIn("http://*:8080/*", 418, None),
            StandIn("*/gone", 204),
        ]
    )

    def get(url: str) -> tuple[int, bytes]:
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        of = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        connection = of(host)
        connection.request("GET", "/" + path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    assert get("https://mail.example/v1/send?key=hush") == (202, b'{"queued": true}')
    assert get("https://mail.example/v1/other") == (503, b'["down"]')
    assert get("http://mail.example:8080/x") == (418, b"")
    assert get("https://any.example/gone") == (204, b"")
    assert get("https://any.example/x") == (200, b"{}")


def test_one_connection_for_several_requests() -> None:
    connection = http.client.HTTPSConnection("api.example")
    with outbound_calls() as calls:
        for path in ("/a", "/b"):
            connection.request("GET", path)
            assert connection.getresponse().read() == b"{}"
    assert [call.path for call in calls] == ["/a", "/b"]


@pytest.mark.filterwarnings("error")
def test_requests_with_a_session_retries_and_proxies() -> None:
    requests = pytest.importorskip("requests")
    session = requests.Session()
    session.mount("https://", requests.adapters.HTTPAdapter(max_retries=2))
    with outbound_calls() as calls:
        assert session.post("https://api.example/a?b=c", json={"x": 1}).json() == {}
        assert session.get("https://api.example/a").status_code == 200
        assert session.head("http://api.example:81/a").content == b""
        assert session.put("https://api.example/a", data=(b"x" for _ in range(3))).json() == {}
        assert list(session.get("https://api.example/a", stream=True).iter_lines()) == [b"{}"]
        proxies = dict.fromkeys(("http", "https"), "http://127.0.0.1:9")
        for scheme in ("http", "https"):
            assert session.get(f"{scheme}://api.example/p", proxies=proxies).json() == {}
    assert [(c.method, c.port, c.path) for c in calls] == [
        ("POST", 443, "/a"), ("GET", 443, "/a"), ("HEAD", 81, "/a"), ("PUT", 443, "/a"), ("GET", 443, "/a"),
        ("GET", 80, "/p"), ("GET", 443, "/p"),
    ]  # fmt: skip
    assert {c.host for c in calls} == {"api.example"}


def test_requests_to_loopback_are_sent() -> None:
    requests = pytest.importorskip("requests")
    with socket.create_server(("127.0.0.1", 0)) as server, outbound_calls() as calls:

        def serve() -> None:
            peer, _ = server.accept()
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nreal")
            peer.close()

        thread = threading.Thread(target=serve)
        thread.start()
        assert requests.get(f"http://127.0.0.1:{server.getsockname()[1]}/").text == "real"
        thread.join()
    assert calls == []


def test_httpx() -> None:
    httpx = pytest.importorskip("httpx")

    async def later() -> Any:
        async with httpx.AsyncClient() as client:
            return (await client.put("https://api.example:8443/b?c", json={})).json()

    with outbound_calls() as calls:
        assert httpx.post("https://api.example/a?b=c", json={"x": 1}).json() == {}
        assert asyncio.run(later()) == {}
    assert calls == [
        OutboundCall("api.example", 443, "POST", "/a", 200),
        OutboundCall("api.example", 8443, "PUT", "/b", 200),
    ]


def test_httpx_with_a_transport_of_its_own_is_left_alone() -> None:
    httpx = pytest.importorskip("httpx")
    transport = httpx.MockTransport(lambda request: httpx.Response(299))
    with outbound_calls() as calls, httpx.Client(transport=transport) as client:
        assert client.get("https://api.example/").status_code == 299
    assert calls == []


def test_aiohttp() -> None:
    aiohttp = pytest.importorskip("aiohttp")
    install(stand_ins=[StandIn("http://mail.example/*", 202, {"queued": True})])

    async def main() -> Any:
        async with aiohttp.ClientSession() as session:
            async with session.post("https://api.example/a?b", json={"x": "y" * 100_000}) as answer:
                first = await answer.json()
            async with session.get("http://mail.example/b") as answer:
                return first, answer.status, await answer.json()

    with outbound_calls() as calls:
        assert asyncio.run(main()) == ({}, 202, {"queued": True})
    assert [(c.host, c.method, c.path) for c in calls] == [("api.example", "POST", "/a"), ("mail.example", "GET", "/b")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_stripe(monkeypatch: pytest.MonkeyPatch) -> None:
    stripe = pytest.importorskip("stripe")
    monkeypatch.setattr(stripe, "api_key", "sk_test_fake")
    install(
        stand_ins=[StandIn("https://api.stripe.com/v1/charges", 200, {"object": "list", "data": [], "has_more": False})]
    )
    with outbound_calls() as calls:
        assert stripe.Customer.create(email="a@b.example").to_dict() == {}
        client = stripe.StripeClient("sk_test_fake")
        assert getattr(client, "v1", client).customers.create({"email": "a@b.example"}).to_dict() == {}
        assert list(stripe.Charge.list().auto_paging_iter()) == []
    assert [(c.host, c.method, c.path) for c in calls] == [
        ("api.stripe.com", "POST", "/v1/customers"),
        ("api.stripe.com", "POST", "/v1/customers"),
        ("api.stripe.com", "GET", "/v1/charges"),
    ]


def test_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3 = pytest.importorskip("boto3")
    install(stand_ins=[StandIn("https://s3.*", 200, None)])
    options = {"region_name": "eu-west-1", "aws_access_key_id": "x", "aws_secret_access_key": "y"}
    with outbound_calls() as calls:
        boto3.client("dynamodb", **options).list_tables()
        # it waits for "100 Continue", reads one line of the answer, and the rest through another file
        put = boto3.client("s3", **options).put_object(Bucket="b", Key="k", Body=b"x" * 100)
    assert put["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"
    assert [(c.method, c.path, c.answered) for c in calls] == [("POST", "/", 200), ("PUT", "/b/k", 200)]
