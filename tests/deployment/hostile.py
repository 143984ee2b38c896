"""A server that does everything wrong: what it does is the path that it is asked for."""

import gzip
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

BEGIN = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
BOMB = gzip.compress(b"0" * 20_000_000)
HTML = b"Content-Type: text/html; charset=utf-8\r\n"


@contextmanager
def hostile() -> Iterator[str]:
    """Everything below `/reset`, `/drip` and so on behaves alike."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    ended = threading.Event()

    def answer(peer: socket.socket) -> None:
        with peer:
            try:
                path = peer.recv(8192).decode("latin-1").split(" ")[1]
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
    match path.split("?")[0].split("/")[1]:
        case "reset":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        case "hang":
            ended.wait(20)
        case "drip":  # a byte of the head now and then
            for byte in BEGIN:
                peer.sendall(bytes([byte]))
                if ended.wait(0.1):
                    return
        case "drip-body":
            peer.sendall(BEGIN + HTML + b"\r\n")
            while not ended.wait(0.1):
                peer.sendall(b".")
        case "garbage":
            peer.sendall(b"\x00\xff SSH-2.0-OpenSSH\r\n\r\n")
        case "half":
            peer.sendall(BEGIN + b"Content-Length: 1000\r\n\r\nno more")
        case "huge":
            peer.sendall(BEGIN + HTML + b"\r\n")
            while not ended.is_set():
                peer.sendall(b"x" * 65536)
        case "headers":
            peer.sendall(BEGIN + b"".join(b"X-%d: y\r\n" % number for number in range(500)) + b"\r\n")
        case "long-header":
            peer.sendall(BEGIN + b"X-Long: " + b"y" * 200_000 + b"\r\n\r\n")
        case "latin":
            peer.sendall(
                BEGIN + b"Content-Type: text/html; charset=nothing\r\nX-Name: \xe9\r\n\r\ncaf\xe9 \xff Stockroom"
            )
        case "bomb":
            peer.sendall(BEGIN + b"Content-Encoding: gzip\r\n\r\n" + BOMB)
        case "packed":
            peer.sendall(BEGIN + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"Stockroom"))
        case "loop":
            peer.sendall(b"HTTP/1.1 302 Found\r\nLocation: /loop\r\nConnection: close\r\n\r\n")
        case "away":
            peer.sendall(b"HTTP/1.1 302 Found\r\nLocation: https://sso.example/login\r\nConnection: close\r\n\r\n")
        case "continue":
            while not ended.wait(0.05):
                peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        case "timing":
            peer.sendall(BEGIN + b'Server-Timing: sql;dur=;desc="many", \x01;;=\r\nContent-Length: 2\r\n\r\nok')
        case _:
            peer.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
