"""Serves a specimen on loopback and asks it what its rule wants to know, by the functions of `seatrial.smoke`."""

import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from deployment.certificates import Authority
from flask import Flask
from werkzeug.serving import make_server

from seatrial.model.deployment import Build, Expected
from seatrial.model.inventory import Route
from seatrial.smoke import pages, probes, ready, transport
from seatrial.smoke.base import parsed
from seatrial.smoke.client import Client
from seatrial.smoke.forms import Doorbell
from seatrial.smoke.plan import Aim, Door, Plan

COMMIT = "5a1e0c47d9b3"
EXPECTED = {
    "SMK002": Expected(200),
    "SMK003": Expected(200, keys=("rope",)),
    "SMK008": Expected(200, statements=2),
    "SMK009": Expected(200, slow_ms=300.0),
}
LIMITS = ("3 per 1 minute",)


def asked_from_outside(app: Flask, code: str, settings: dict[str, Any]) -> object:
    """The evidence of one rule."""
    method, _, path = settings["route"].partition(" ")
    route = Route(method, path, settings["endpoint"], path=path)
    if code == "SMK005":
        return _certificate(app)
    with served(app) as url:
        plan = Plan(parsed(url), timeout_s=10, token="a-token-of-the-monitor")
        ask = Client(plan.base, plan.timeout_s, token=plan.token)
        match code:
            case "SMK001":
                return ready.wait(replace(plan, ready=path, ready_s=0.05), ask, lambda _: None)[0]
            case "SMK004":
                answer = ask.ask("GET", path)
                seen = ready.commit_of(plan.commit, answer)
                return Build(COMMIT, {seen: 1} if seen else {}, plan.commit.said, 0 if seen else 1)
            case "SMK006":
                return probes.asset(plan, ask, route, "")
            case "SMK007":
                return probes.unsigned(plan, ask, route)
            case "SMK010":
                return Doorbell(plan, ask, Door(route, path, protected=True)).csrf()
            case "SMK011":
                probed = replace(plan, probe_limits=True)
                return Doorbell(probed, ask, Door(route, path, limits=LIMITS)).limit()
            case "HDR013":
                return transport.upgrade(replace(plan, base=parsed("https://127.0.0.1:1"), http=url))
            case _:
                [visit] = pages.visits(replace(plan, aims=(Aim(route, EXPECTED[code]),)), ask)
                return visit


def _certificate(app: Flask) -> object:
    """What TLS looks like with a certificate of as many days as the specimen says."""
    module = sys.modules[app.import_name]
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        issued = authority.issue("specimen", days=module.CERTIFICATE_DAYS)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        with served(app, context) as url:
            plan = Plan(parsed(url), timeout_s=10, ca=str(authority.file))
            return transport.look(plan, transport.trusting(plan.ca))


@contextmanager
def served(app: Flask, context: ssl.SSLContext | None = None) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
