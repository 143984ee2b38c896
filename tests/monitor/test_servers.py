"""Threads, real gevent, asyncio views, a real server whose client goes away."""

import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import sqlalchemy as sa
from flask import Flask
from monitor.shops import Item, database, shop, watched_reports
from sqlalchemy.orm import Session

from seatrial.monitor import Monitor, tally

TESTS = str(Path(__file__).parents[1])


def test_threads_do_not_mix(tmp_path: Path) -> None:
    app = shop(database(f"sqlite:///{tmp_path}/shop.db"), token="kM3nTq9ZzX0aB7cD")

    def ask(count: int) -> tuple[int, str]:
        headers = {"X-Seatrial-Token": "kM3nTq9ZzX0aB7cD"}
        return count, app.test_client().get(f"/send/{count}", headers=headers).headers["Server-Timing"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, [number % 9 for number in range(120)]))
    assert [timing.endswith(f'desc="{count}"') for count, timing in answers] == [True] * 120
    assert app.extensions["seatrial.monitor"].guard.failures == {}


def test_asyncio_views() -> None:
    app, engine = Flask("shop"), database()

    def send(count: int) -> None:
        with Session(engine) as session:
            for _ in range(count):
                session.scalars(sa.select(Item)).all()

    @app.get("/async/<int:count>")
    async def view(count: int) -> str:
        import asyncio

        async def task() -> None:
            await asyncio.sleep(0)
            send(1)

        await asyncio.gather(*(task() for _ in range(count)))
        send(1)
        return "done"

    Monitor(app)
    with watched_reports(app) as seen:
        assert app.test_client().get("/async/4").text == "done"
    assert seen == [("GET", "/async/<int:count>", 200, 5)]


GEVENT = """
from gevent import monkey; monkey.patch_all()
import json, sys, tempfile
sys.path.insert(0, {tests!r})
import gevent, requests
from flask import Response
from gevent.pywsgi import WSGIServer
from monitor.shops import database, shop, watched_reports
from seatrial.monitor import tally

app = shop(database(f"sqlite:///{{tempfile.mkdtemp()}}/shop.db"), token="kM3nTq9ZzX0aB7cD")
send = app.extensions["tests.send"]

@app.get("/mixed/<int:count>")
def mixed(count):
    for _ in range(count):
        send(1)
        gevent.sleep(0.001)
    return "done"

@app.get("/endless")
def endless():
    def chunks():
        while True:
            send(1)
            yield "x" * 65536
            gevent.sleep(0.001)
    return Response(chunks())

@app.get("/spawns")
def spawns():
    gevent.joinall([gevent.spawn(send, 3)])
    send(1)
    return "done"

@app.get("/killed")
def killed():
    send(2)
    gevent.sleep(30)

server = WSGIServer(("127.0.0.1", 0), app, log=None, error_log=None)
server.start()
base = f"http://127.0.0.1:{{server.server_port}}"
headers = {{"X-Seatrial-Token": "kM3nTq9ZzX0aB7cD"}}

def ask(count):
    return count, requests.get(f"{{base}}/mixed/{{count}}", headers=headers, timeout=20).headers["Server-Timing"]

jobs = [gevent.spawn(ask, number % 9) for number in range(60)]
gevent.joinall(jobs, timeout=60)
right = [timing.endswith(f'desc="{{count}}"') for count, timing in (job.value for job in jobs)]
with watched_reports(app) as seen:
    response = requests.get(f"{{base}}/endless", stream=True, timeout=20)
    next(response.iter_content(65536))
    response.close()
    for _ in range(200):
        if seen:
            break
        gevent.sleep(0.02)
    requests.get(f"{{base}}/spawns", timeout=20)
    with gevent.Timeout(0.3, False):
        app.test_client().get("/killed")
failures = app.extensions["seatrial.monitor"].guard.failures
print(json.dumps({{"right": right, "seen": seen, "failures": failures, "open": tally.current.get() is not None}}))
server.stop()
"""


def test_gevent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", GEVENT.format(tests=TESTS)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["right"] == [True] * 60
    endless, spawns, killed = found["seen"]
    assert endless[:3] == ["GET", "/endless", 200]
    assert endless[3] >= 1
    assert spawns == ["GET", "/spawns", 200, 1]  # a spawned greenlet starts with a context of its own
    assert killed == ["GET", "/killed", 0, 2]
    assert (found["failures"], found["open"]) == ({}, False)


class Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_client_that_goes_away() -> None:
    app = shop()
    with watched_reports(app) as seen, make_server("127.0.0.1", 0, app, handler_class=Silent) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        with socket.create_connection(server.server_address[:2]) as client:
            client.sendall(b"GET /stream/1000000 HTTP/1.0\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.")
        deadline = time.monotonic() + 20
        while not seen and time.monotonic() < deadline:
            time.sleep(0.02)
        server.shutdown()
        thread.join()
    [(method, rule, status, statements)] = seen
    assert (method, rule, status) == ("GET", "/stream/<int:count>", 200)
    assert 0 < statements < 1000000
    assert tally.current.get() is None
