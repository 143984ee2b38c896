"""The headers hold on every class of response, and Seatrial's own rules agree."""

import re
from typing import Any

import pytest
from flask import Flask, abort, redirect, render_template_string
from rules.made import exchange, facts

from seatrial.kit.headers import POLICY, init_headers
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context
from seatrial.rules import hdr

PAGE = "<!doctype html><script nonce='{{ csp_nonce() }}'>1</script>{{ csp_nonce() }}"
CLASSES = ["/", "/moved", "/crash", "/nowhere", "/denied", "/static/none.css"]


def shop(**options: Any) -> Flask:
    app = Flask("shop")
    init_headers(app, **options)
    app.add_url_rule("/", "home", lambda: render_template_string(PAGE))
    app.add_url_rule("/moved", "moved", lambda: redirect("/"))
    app.add_url_rule("/crash", "crash", lambda: 1 / 0)
    app.add_url_rule("/denied", "denied", lambda: abort(403))
    app.add_url_rule("/framed", "framed", lambda: ("x", {"X-Frame-Options": "SAMEORIGIN"}))
    return app


@pytest.mark.parametrize("path", CLASSES)
def test_every_class_of_response(path: str) -> None:
    response = shop().test_client().get(path, base_url="https://localhost")
    made = exchange(
        status=response.status_code,
        headers=tuple(response.headers.items()),
        content_type=response.mimetype,
        identity="anonymous",
    )
    judged = {rule.code: rule(made, Context(facts=facts())) for rule in hdr.OF_A_RESPONSE}
    assert {code for code, judgement in judged.items() if judgement.outcome is Outcome.FAIL} == set()
    assert judged["HDR006"].outcome is Outcome.PASS


def test_a_nonce_per_response_and_one_within_it() -> None:
    client = shop().test_client()
    seen = set()
    for _ in range(3):
        response = client.get("/")
        [nonce] = re.findall(r"'nonce-([\w-]{24})'", response.headers["Content-Security-Policy"])
        assert response.text.count(nonce) == 2
        seen.add(nonce)
    assert len(seen) == 3


def test_hsts_on_https_only() -> None:
    client = shop().test_client()
    assert "Strict-Transport-Security" not in client.get("/").headers
    assert client.get("/", base_url="https://localhost").headers["Strict-Transport-Security"].startswith("max-age=63")


def test_the_app_decides() -> None:
    client = shop(csp={**POLICY, "img-src": "'self' data:"}, permissions_policy="").test_client()
    response = client.get("/framed")
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "img-src 'self' data:" in response.headers["Content-Security-Policy"]
    assert "Permissions-Policy" not in response.headers
    assert "Content-Security-Policy" not in shop(csp={}).test_client().get("/").headers
