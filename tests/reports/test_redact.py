"""Secrets by their shape; and sentences about secrets, which must stay readable."""

import io
import json
import math
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports.samples import decided
from verdict.builders import check, route

from seatrial.model.findings import Place
from seatrial.model.outcomes import Outcome, State
from seatrial.model.result import Judged, Result, RouteRow, StaleEntry, ToolRun, ToolState
from seatrial.reports import github, gitlab, html_report, json_report, junit, markdown, redact, sarif, terminal
from seatrial.reports.pen import make_console
from seatrial.reports.redact import MASK, scrub, scrub_value
from seatrial.reports.rows import rows
from seatrial.verdict import history

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
# Built at run time: whole, they would set off the secret scanners of whoever hosts this file.
STRIPE = "sk_" + "live_51H8xYzAbCdEf"

SECRETS = [
    STRIPE,
    "sk_" + "test_4eC39HqLyjWDarjtT1zdp7dc",
    "rk_" + "live_4eC39HqLyjWD",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    JWT,
    "ghp_" + "a1" * 18,
    "AKIA" + "IOSFODNN7EXAMPLE",
    "xoxb-" + "123456789012-abcdef",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("frame", ["{}", "key {} was used", '{{"key": "{}"}}', "a={}&b=1", "\n{}\n"])
def test_shapes_of_secrets(secret, frame):
    assert scrub(frame.format(secret)) == frame.format(MASK)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc123def", f"Authorization: {MASK}"),
        ("sent Bearer abc123def to it", f"sent Bearer {MASK} to it"),
        ("Basic dXNlcjpwYXNzd29yZA==", f"Basic {MASK}"),
        ("postgresql://app:s3cr3t@db:5432/app", f"postgresql://app:{MASK}@db:5432/app"),
        ("postgresql://app:p@ss/w:rd@db/app", f"postgresql://app:{MASK}@db/app"),
        ("redis://:hunter2@cache:6379/0", f"redis://:{MASK}@cache:6379/0"),
        ("/reset?token=4f9a1c77&next=/", f"/reset?token={MASK}&next=/"),
        ("/x?a=1&api_key=zzz", f"/x?a=1&api_key={MASK}"),
        ("Set-Cookie: session=abc.def; Path=/", f"Set-Cookie: session={MASK}; Path=/"),
        ("Cookie: a=1; b=2", f"Cookie: {MASK}"),
        ("cookie session=eyJ1c2VyIjoxfQ.Zk1abc", f"cookie session={MASK}"),
        ("password=hunter", f"password={MASK}"),
    ],
)
def test_secrets_by_their_place(text, expected):
    assert scrub(text) == expected
    assert scrub(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "the Bearer token is missing",
        "Basic authentication",
        "no Set-Cookie carries Secure",
        "Set-Cookie: session=…; Path=/; HttpOnly",
        "Set-Cookie: without SameSite",
        "the cookie `session` has no SameSite",
        "csrf_token=missing entered the body",
        "http://localhost:5000/users/a@b.example",
        "https://user@host/path",
        "SELECT users.password FROM users WHERE users.token = ?",
        "sk_live keys are refused",
        "whsec_ is missing",
        "app/services/billing.py:142",
        "eyJ is how JSON web tokens begin",
        "webhook /billing/webhooks/stripe",
        "[tool.seatrial.env] DATABASE_URL = {database_url}",
    ],
)
def test_sentences_about_secrets_stay(text):
    assert scrub(text) == text


PIECES = [
    *redact._SIGNS,
    *SECRETS,
    " ",
    "a1b2c3d4e5f6",
    "=",
    "&",
    '"',
    ";",
    "gh",
    "key",
    "ı",
    "K",
    "BEARER ",
    "user:pass@host",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=8).map("".join))
def test_the_quick_look_hides_nothing_from_the_search(text):
    assert scrub(text) == redact._SECRET.sub(redact._mask, text)
    assert scrub(text * 60) == redact._SECRET.sub(redact._mask, text * 60)


def test_no_text_takes_time_out_of_proportion():
    def seconds(size):
        evil = ["Bearer ", "://", "://a:", "?token=", "eyJaaaaaa.", "-----BEGIN ", "Cookie: ", "a"]
        start = time.perf_counter()
        for text in evil:
            scrub(text * size)
            scrub(text + "a" * size)
        return time.perf_counter() - start

    seconds(100)
    # Linear would be 16 times; quadratic 256 times.
    assert seconds(16_000) < 80 * max(seconds(1_000), 1e-4)


def test_values_at_any_depth_become_plain_json():
    value = {
        "a": [{STRIPE: (JWT, 1.5, None, True)}],
        3: {"b", "a"},
        "n": math.nan,
        "i": math.inf,
        "b": b"12",
        "e": State.NEW,
    }
    plain = scrub_value(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain == {
        "a": [{MASK: [MASK, 1.5, None, True]}],
        "3": ["a", "b"],
        "n": None,
        "i": None,
        "b": "2 bytes",
        "e": "new",
    }


def leaking() -> Result:
    """A result with a secret in every text that can be in it."""
    place = Place(STRIPE, 1, STRIPE)
    finding = route(f"GET /{STRIPE} x [o]", message=STRIPE, remedy=STRIPE, detail=STRIPE, place=place)
    leaked = replace(finding, evidence={"x": [STRIPE]})
    known = route("GET /y y [o]", message=STRIPE)
    return decided(
        Result(
            target={"app": STRIPE, "database": f"postgresql://a:{STRIPE}@h/d", "identities": [STRIPE]},
            findings=[Judged(leaked, State.NEW), Judged(known, State.KNOWN)],
            checks=[check("HDR001", STRIPE, outcome, STRIPE) for outcome in Outcome],
            routes=[RouteRow("GET", f"/{STRIPE}", STRIPE, STRIPE, 200, 1, 1, 1.0)],
            tools=[ToolRun("mypy", STRIPE, ToolState.BROKEN, 0, 1.0, STRIPE)],
            stale=[StaleEntry("baseline", "HDR001", STRIPE, STRIPE)],
            notes=[STRIPE],
            broken=[STRIPE],
            inconclusive=[STRIPE],
        )
    )


def test_no_report_lets_a_secret_out():
    stream = io.StringIO()
    terminal.render(leaking(), make_console(stream, environ={"COLUMNS": "200"}), claims={"HDR001": STRIPE})
    found = rows(leaking())
    log = io.StringIO()
    github.write_annotations(leaking(), found, log)
    run = history.of(leaking(), scope="", commit="")
    html = html_report.to_html(leaking(), found, runs=[run], source=html_report.Source(Path("/nowhere")))
    texts = [stream.getvalue(), json_report.dumps(leaking()), junit.to_xml(leaking()), html, log.getvalue()]
    texts += [json.dumps(sarif.to_sarif(leaking(), found)), markdown.to_markdown(leaking(), found)]
    assert STRIPE not in json.dumps(gitlab.to_list(found))
    for text in texts:
        assert STRIPE not in text
        assert "live_51" not in text
        assert text.count(MASK) > 5
