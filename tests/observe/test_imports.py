"""Guards that are in place before the app imports its libraries, in a process of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from seatrial.observe.imports import when_imported


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


START = """
import importlib.util, sys
from seatrial.observe.outbound import install, outbound_calls
from seatrial.observe.statements import record
install()
"""


def test_libraries_imported_later_are_stood_in_for() -> None:
    pytest.importorskip("httpx")
    pytest.importorskip("requests")
    code = START + (
        "assert not {'httpx', 'aiohttp', 'requests', 'urllib3'} & set(sys.modules)\n"
        "assert importlib.util.find_spec('httpx')\n"  # looking must not use up the callback
        "with outbound_calls() as calls:\n"
        "    import httpx, requests\n"
        "    print(httpx.get('https://a.example/').status_code, requests.get('https://b.example/').status_code)\n"
        "print([c.host for c in calls])\n"
    )
    assert run(code) == "200 200\n['a.example', 'b.example']"


def test_each_scope_follows_threads_on_its_own() -> None:
    follow = "import threading\ndef within(work):\n    t = threading.Thread(target=work); t.start(); t.join()\n"
    recorder = (
        "import sqlalchemy as sa\n"
        "from seatrial.observe.statements import record\n"
        "engine = sa.create_engine('sqlite://', poolclass=sa.StaticPool)\n"
        "with record() as recording: within(lambda: engine.connect().execute(sa.text('SELECT 1')))\n"
        "print(len(recording.statements()))\n"
    )
    calls = (
        "import socket\n"
        "from seatrial.observe.outbound import install, outbound_calls\n"
        "install()\n"
        "with outbound_calls() as calls: within(lambda: socket.socket().connect_ex(('203.0.113.7', 80)))\n"
        "print(len(calls))\n"
    )
    assert [run(follow + recorder), run(follow + calls)] == ["1", "1"]


def test_gevent_monkey_patching_after_the_installation() -> None:
    pytest.importorskip("gevent")
    code = START + (
        "import sqlalchemy as sa\n"
        "from gevent import monkey; monkey.patch_all()\n"
        "import gevent, socket, threading, urllib.request\n"
        "engine = sa.create_engine('sqlite:////tmp/seatrial-gevent.db', poolclass=sa.NullPool)\n"
        "def send():\n"
        "    with engine.connect() as c: c.execute(sa.text('SELECT 1'))\n"
        "with outbound_calls() as calls, record() as recording:\n"
        "    print(urllib.request.urlopen('https://a.example/').status)\n"
        "    try: socket.socket().connect(('203.0.113.7', 80))\n"
        "    except ConnectionRefusedError as e: print('allow_hosts' in str(e))\n"
        "    gevent.joinall([gevent.spawn(send)], raise_error=True)\n"
        "    t = threading.Thread(target=send); t.start(); t.join()\n"
        "print([c.host for c in calls], len(recording.statements()))\n"
    )
    assert run(code) == "200\nTrue\n['a.example', '203.0.113.7'] 1"  # the thread, not the greenlet


def test_a_callback_that_fails_does_not_stop_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "seatrial_imported_once.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    seen: list[object] = []

    def callback(module: object) -> None:
        seen.append(module)
        raise RuntimeError("unknown version")

    when_imported("seatrial_imported_once", callback)
    import seatrial_imported_once  # type: ignore[import-not-found]

    assert seatrial_imported_once.value == 1
    assert seen == [seatrial_imported_once]
    when_imported("seatrial_imported_once", seen.append)
    assert len(seen) == 2
