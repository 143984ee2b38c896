"""Cookie rules on Set-Cookie headers as libraries send them (values already replaced)."""

import pytest
from rules.made import answering, facts, messages

from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context
from seatrial.rules.cke import cookie_httponly, cookie_samesite, cookie_secure
from seatrial.rules.cookies import guessed_role

PASS, FAIL, SKIPPED = Outcome.PASS, Outcome.FAIL, Outcome.SKIPPED
ROLES = {"session": "session", "remember_token": "remember", "_csrf_token": "csrf", "sid": "session"}
KNOWN = Context(facts=facts(cookie_roles=ROLES))
ALL = (cookie_secure, cookie_httponly, cookie_samesite)

SOUND = "session=…; Secure; HttpOnly; Path=/; SameSite=Lax"


def setting(*cookies: str, **known: object) -> object:
    return answering(*(("Set-Cookie", cookie) for cookie in cookies), **known)


@pytest.mark.parametrize(
    ("cookie", "outcomes"),
    [
        (SOUND, (PASS, PASS, PASS)),
        ("session=…; HttpOnly; Path=/", (FAIL, PASS, FAIL)),
        ("session=…; secure; HTTPONLY; samesite=strict", (PASS, PASS, PASS)),
        ("session=…; Secure; Path=/; SameSite=Lax", (PASS, FAIL, PASS)),
        ("remember_token=…; Expires=Tue, 23 Nov 2027 00:00:00 GMT; HttpOnly; Path=/", (FAIL, PASS, FAIL)),
        ("_csrf_token=…; Path=/", (FAIL, SKIPPED, PASS)),
        ("_csrf_token=…; Secure; SameSite=Lax", (PASS, SKIPPED, PASS)),
        ("theme=…", (FAIL, SKIPPED, PASS)),
        ("theme=…; Secure", (PASS, SKIPPED, PASS)),
        ("theme=…; SameSite=None", (FAIL, SKIPPED, FAIL)),
        ("theme=…; SameSite=None; Secure", (PASS, SKIPPED, PASS)),
        ("theme=…; Secure; SameSite=Maybe", (PASS, SKIPPED, FAIL)),
        ("session=…; Secure; HttpOnly; SameSite=None", (PASS, PASS, PASS)),
        ("session=…; HttpOnly; SameSite=None", (FAIL, PASS, FAIL)),
        ("session=…; Secure; HttpOnly; SameSite", (PASS, PASS, FAIL)),
        ("session=…; Secure; HttpOnly; SameSite=None; SameSite=Lax", (PASS, PASS, PASS)),
        ("sid=…; Secure", (PASS, FAIL, FAIL)),
    ],
)
def test_by_role(cookie: str, outcomes: tuple[Outcome, ...]) -> None:
    assert tuple(rule(setting(cookie), KNOWN).outcome for rule in ALL) == outcomes


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("session", "session"),
        ("sessionid", "session"),
        ("PHPSESSID", "session"),
        ("connect.sid", "session"),
        ("sid", "session"),
        ("access_token", "session"),
        ("jwt", "session"),
        ("login", "session"),
        ("auth", "session"),
        ("__Host-session", "session"),
        ("remember_token", "remember"),
        ("csrf_token", "csrf"),
        ("XSRF-TOKEN", "csrf"),
        ("csrf_session", "csrf"),
        ("theme", "preference"),
        ("sidebar", "preference"),
        ("author", "preference"),
        ("locale", "preference"),
    ],
)
def test_roles_are_guessed_by_name_where_the_app_does_not_tell(name: str, role: str) -> None:
    assert guessed_role(name) == role


def test_the_configuration_beats_the_name() -> None:
    context = Context(facts=facts(cookie_roles={"theme": "session", "session": "csrf"}))
    [finding] = cookie_httponly(setting("theme=…; Secure", "session=…; Secure"), context).findings
    assert (finding.detail, finding.evidence["role"], finding.evidence["role_from"]) == (
        "theme",
        "session",
        "configuration",
    )


def test_one_finding_per_cookie() -> None:
    judgement = cookie_secure(
        setting("session=…", "theme=…", SOUND.replace("session", "ok"), "theme=…; Path=/x"), KNOWN
    )
    assert [finding.detail for finding in judgement.findings] == ["session", "theme"]
    assert len({finding.fingerprint for finding in judgement.findings}) == 2


def test_evidence_keeps_the_attributes_and_no_value() -> None:
    [finding] = cookie_samesite(setting("session=…; HttpOnly; Path=/"), KNOWN).findings
    assert finding.evidence["attributes"] == ["httponly", "path=/"]
    assert "…" not in str(finding.evidence)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_no_cookie_is_skipped(rule: object) -> None:
    assert callable(rule)
    judgement = rule(answering())
    assert (judgement.outcome, judgement.reason) == (SKIPPED, "sets no cookie")


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
@pytest.mark.parametrize(
    "cookie",
    [
        "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/",
        'session=""; Path=/',
        "session=…; Max-Age=0",
        "session=…; Max-Age=-1",
        "session=…; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "session=…; Expires=Sat, 21 Nov 2026 00:00:00 GMT",
    ],
)
def test_deleting_cookies_are_not_judged(rule: object, cookie: str) -> None:
    assert callable(rule)
    judgement = rule(answering(("Set-Cookie", cookie), ("Date", "Sun, 22 Nov 2026 12:00:00 GMT")), KNOWN)
    assert (judgement.outcome, judgement.reason) == (SKIPPED, "only deletes cookies")


@pytest.mark.parametrize(
    "cookie",
    [
        "session=…; Expires=Sat, 21 Nov 2026 00:00:00 GMT; Max-Age=60",
        "session=…; Expires=Sat, 21 Nov 2026 00:00:00 GMT",
        "session=…; Expires=garbage",
        "session=…; Max-Age=soon",
    ],
)
def test_cookies_that_may_still_live_are_judged(cookie: str) -> None:
    """Max-Age beats Expires; without a Date, only an Expires at the epoch is certainly in the past."""
    assert cookie_secure(setting(cookie), KNOWN).outcome is FAIL


def test_secure_is_judged_over_https_only() -> None:
    for cookie in ("session=…", SOUND):
        judgement = cookie_secure(setting(cookie, scheme="http"), KNOWN)
        assert judgement.outcome is Outcome.NOT_PROVED
        assert "https" in judgement.reason
    assert cookie_secure(answering(scheme="http"), KNOWN).outcome is SKIPPED
    assert cookie_httponly(setting("session=…", scheme="http"), KNOWN).outcome is FAIL


@pytest.mark.parametrize("status", [302, 404, 500])
def test_every_response_is_judged(status: int) -> None:
    assert cookie_secure(setting("session=…", status=status), KNOWN).outcome is FAIL


def test_messages_name_the_cookie() -> None:
    assert messages(cookie_secure(setting("session=…"), KNOWN)) == (
        "A cookie set over https must be Secure but 'session' is not"
    )
    assert "SameSite=None must come with Secure" in messages(cookie_samesite(setting("a=…; SameSite=None"), KNOWN))
