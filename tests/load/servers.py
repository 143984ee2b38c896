"""Servers to load: one that does everything wrong, one with a log-in form. Each in threads of this process."""

import secrets
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, redirect, request, session
from werkzeug.serving import make_server


@contextmanager
def hostile(asked: Counter[str] | None = None) -> Iterator[str]:
    """`/ok` answers; `/reset`, `/hang`, `/redirect`, `/broken` (500), `/huge` and `/half` do what they say."""
    asked = Counter() if asked is None else asked
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    ended = threading.Event()

    def answer(peer: socket.socket) -> None:
        with peer:
            try:
                path = peer.recv(4096).decode("latin-1").split(" ")[1]
                asked[path] += 1
                _answers(peer, path, ended)
            except (OSError, IndexError):
                pass

    def serve() -> None:
        while not ended.is_set():
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(peer,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _answers(peer: socket.socket, path: str, ended: threading.Event) -> None:
    match path:
        case "/reset":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        case "/hang":
            ended.wait(20)
        case "/redirect":
            peer.sendall(b"HTTP/1.1 302 Found\r\nLocation: /redirect\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        case "/broken":
            peer.sendall(b"HTTP/1.1 500 Sorry\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        case "/half":
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\nno more")
        case "/huge":
            peer.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            for _ in range(64):
                peer.sendall(b"x" * 65536)
        case _:
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


def shop() -> Flask:
    """Pages behind a form with a token; a form that changes something; it counts what it was asked."""
    app = Flask(__name__)
    app.secret_key = secrets.token_hex(16)
    app.config["SESSION_COOKIE_SECURE"] = True
    seen: dict[str, Any] = {"logins": 0, "sold": [], "items": [], "baskets": 0}
    app.extensions["seen"] = seen

    def token() -> str:
        return str(session.setdefault("token", secrets.token_hex(8)))

    @app.get("/login")
    def form() -> str:
        hidden = f"<input type=hidden name=csrf_token value={token()}>"
        return f"<form method=post>{hidden}<input name=username><input name=password type=password></form>"

    @app.post("/login")
    def log_in() -> Any:
        if request.form.get("csrf_token") != token():
            return "no token", 400
        if (request.form["username"], request.form["password"]) != ("ann", "right"):
            return form()
        seen["logins"] += 1
        session["user"] = "ann"
        return redirect("/orders")

    @app.get("/lost")
    def lost() -> Any:
        time.sleep(0.1)  # whoever waits for the first refusal alone does not hear of this one
        return redirect("/lost")

    @app.get("/orders")
    def orders() -> Any:
        return "orders" if "user" in session else redirect("/login")

    @app.get("/items/<int:number>")
    def item(number: int) -> str:
        seen["items"].append(number)
        return f"<form method=post><input type=hidden name=csrf_token value={token()}></form>"

    @app.post("/items/<int:number>")
    def sell(number: int) -> Any:
        if request.form.get("csrf_token") != token() or "user" not in session:
            return "no token", 400
        seen["sold"].append(request.form["colour"])
        return Response(status=204)

    @app.get("/basket")
    def basket() -> str:
        seen["baskets"] += 1
        return "basket"

    return app


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


@contextmanager
def short_lived(seconds: float) -> Iterator[str]:
    """Answers until the first request is so old, then is gone."""
    app = Flask(__name__)
    asked = threading.Event()

    @app.get("/")
    def home() -> str:
        asked.set()
        return "home"

    server = make_server("127.0.0.1", 0, app, threaded=True)

    def end() -> None:
        asked.wait(60)
        time.sleep(seconds)
        server.shutdown()
        server.server_close()

    threads = [threading.Thread(target=target, daemon=True) for target in (server.serve_forever, end)]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        asked.set()
        for thread in threads:
            thread.join(10)


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
