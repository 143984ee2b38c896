"""OAU: log-in with a provider of OAuth or OpenID Connect. What the app takes for proof that somebody is somebody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from seatrial.model.findings import Judgement, Place
from seatrial.model.inventory import Route
from seatrial.model.oauth import ERROR, NONCE, STATE, TOKEN, Attempt, OAuthTrial
from seatrial.model.outcomes import Level
from seatrial.model.requests import Request
from seatrial.model.rules import Context, Rule
from seatrial.rules.registry import rule

CONTROL = "the happy flow logs in, before and after the cases"
_SHOWN = 4
_OAUTH = "[tool.seatrial.oauth]"


@rule(
    code="OAU001",
    name="pkce-missing",
    level=Level.BLOCK,
    claim="A log-in with a provider sends a fresh S256 code challenge, and its verifier to the token end point.",
    control=CONTROL,
    rationale="Whoever gets hold of a code (logs, Referer, another app on the device) can log in with it elsewhere.",
    source="RFC 7636 §4.1-4.6; RFC 9700 §2.1.1; measured: Authlib sends none unless told, and none for plain",
    remedy='Register the client with client_kwargs={"code_challenge_method": "S256", …}.',
)
def pkce_missing(rule: Rule, trial: OAuthTrial, _: Context) -> Judgement:
    subject = _subject(trial.route)
    if (silent := _silent(rule, trial, subject)) is not None:
        return silent
    asked = trial.authorization
    assert asked is not None
    if not asked.challenge:
        happened = "none was sent"
    elif asked.challenge != "S256":
        happened = f"its method is {asked.challenge[:20]}"
    elif not asked.challenge_fresh:
        happened = "two log-ins sent the same one"
    elif asked.verifier:
        happened = f"its verifier is of no use: {asked.verifier}"
    else:
        return rule.passed(subject)
    return rule.failed(
        subject,
        rule.finding(
            subject,
            f"A log-in must send a fresh S256 code challenge but {happened}",
            place=_place(trial.route),
            evidence={
                "code_challenge_method": asked.challenge or None,
                "fresh": asked.challenge_fresh,
                "verifier": asked.verifier or ("ok" if asked.challenge else None),
                "fault": _fault(trial, default=not asked.challenge),
                "proof": trial.proof,
            },
        ),
    )


@rule(
    code="OAU002",
    name="state-not-bound",
    level=Level.BLOCK,
    claim="The callback logs in only with the state of a log-in that this very browser has begun, and only once.",
    control=CONTROL,
    rationale="An attacker sends a visitor to the callback with a code of the attacker's: the visitor works, and pays, "
    "in the attacker's account, or links the attacker's log-in to the own account.",
    source="RFC 6749 §10.12; RFC 9700 §2.1, §4.4, §4.7; OWASP ASVS 5.0 10.1.2, 10.2.1",
    remedy="Keep a random state in the session of the browser, compare it in the callback, and drop it there.",
)
def state_not_bound(rule: Rule, trial: OAuthTrial, _: Context) -> Judgement:
    asked = trial.authorization
    said = ""
    if asked is not None and not asked.state:
        said = "none was sent"
    elif asked is not None and not asked.state_fresh:
        said = "two log-ins sent the same one"
    return _cases(rule, trial, trial.about(STATE), "A callback must be refused without the browser's own state", said)


@rule(
    code="OAU003",
    name="nonce-not-checked",
    level=Level.BLOCK,
    claim="The ID token is taken only with the nonce that this log-in sent.",
    control=CONTROL,
    rationale="Without it an ID token of another log-in, stolen or replayed, logs its thief in as its owner.",
    source="OpenID Connect Core §3.1.3.7 (11); RFC 9700 §2.1.1, §4.5.3.2; OWASP ASVS 5.0 10.5.1",
    remedy="Send a random nonce per log-in, keep it in the session, and compare it with that of the ID token.",
)
def nonce_not_checked(rule: Rule, trial: OAuthTrial, _: Context) -> Judgement:
    asked = trial.authorization
    if asked is not None and not asked.openid and not trial.reason:
        return rule.skipped(_subject(trial.callback), "no ID token is asked for: the scope has no openid")
    message = "An ID token must be taken with the nonce of this log-in only"
    if asked is not None and not asked.nonce:
        # Here PKCE stops a stolen code as well, as RFC 9700 §2.1.1 has it.
        safe = asked.challenge == "S256" and asked.challenge_fresh and not asked.verifier
        return _cases(rule, trial, (), message, "none was sent", Level.WARN if safe else None)
    said = "" if asked is None or asked.nonce_fresh else "two log-ins sent the same one"
    return _cases(rule, trial, trial.about(NONCE), message, said)


@rule(
    code="OAU004",
    name="token-not-validated",
    level=Level.BLOCK,
    claim="No ID token logs in whose issuer, audience, times, subject, algorithm or signature is not as it must be.",
    control=CONTROL,
    rationale="Such a token says no more than who made it wanted to say: with it anybody can be anybody.",
    source="OpenID Connect Core §3.1.3.7, §5.3.2; RFC 8725 §3.1; RFC 9207 §2.4; RFC 9700 §4.4; OWASP ASVS 5.0 10.5",
    remedy="Validate the ID token with a library, and pin issuer, audience and algorithms (seatrial.kit.oauth does).",
)
def token_not_validated(rule: Rule, trial: OAuthTrial, _: Context) -> Judgement:
    if trial.authorization is not None and not trial.authorization.openid and not trial.reason:
        return rule.skipped(_subject(trial.callback), "no ID token is asked for: the scope has no openid")
    return _cases(rule, trial, trial.about(TOKEN), "A log-in with such an answer of the provider must be refused", "")


@rule(
    code="OAU005",
    name="callback-error-handling",
    level=Level.BLOCK,
    claim="An error of the provider or in the callback ends without log-in, without a 500, and shows no secret.",
    control=CONTROL,
    rationale="People cancel, codes expire, providers fail: each is a page that the app must have an answer for.",
    source="RFC 6749 §4.1.2.1, §5.1, §5.2; OWASP ASVS 5.0 16.5.1, 16.5.3; measured with Authlib: three kinds of errors",
    remedy="Catch what the client raises in the callback (OAuthError, requests' errors, ValueError), and redirect.",
)
def callback_error_handling(rule: Rule, trial: OAuthTrial, _: Context) -> Judgement:
    subject = _subject(trial.callback)
    if (silent := _silent(rule, trial, subject)) is not None:
        return silent
    let_in = _let_in(trial.about(ERROR))
    crashed = [a for a in trial.attempts if a.crashed]
    leaked = [a for a in trial.attempts if a.leaked]
    said = []
    if let_in:
        said.append(f"{_names(let_in)} logged in")
    if crashed:
        said.append(f"{_names(crashed)} {'was' if len(crashed) == 1 else 'were'} answered {crashed[0].status}")
    if leaked:
        said.append(f"{_names(leaked)} showed the {leaked[0].leaked}")
    if not said:
        return _unfinished(rule, trial, trial.about(ERROR)) or rule.passed(subject)
    return rule.failed(
        subject,
        rule.finding(
            subject,
            f"An error in the callback must end without log-in and without a 500 but {' and '.join(said)}",
            place=_place(trial.callback),
            evidence={
                "logged_in": [_shown(trial, a) for a in let_in],
                "answered_500": {a.case: a.raised or a.status for a in crashed},
                "showed": {a.case: a.leaked for a in leaked},
                "proof": trial.proof,
            },
            requests=_requests(trial, (*let_in, *crashed, *leaked)),
        ),
    )


@rule(
    code="OAU006",
    name="redirect-uri-from-host",
    level=Level.BLOCK,
    claim="The redirect_uri does not follow a forged host, and is the same at the token end point.",
    control=CONTROL,
    rationale="A provider that allows a pattern of addresses sends the visitor's code to whoever forged the Host.",
    source="RFC 6749 §4.1.3; RFC 9700 §2.1, §4.1; OWASP ASVS 5.0 4.1.3",
    remedy="Build the redirect_uri from a configured address, or set TRUSTED_HOSTS (Flask ≥ 3.1) or SERVER_NAME.",
)
def redirect_uri_from_host(rule: Rule, trial: OAuthTrial, _: Context) -> Judgement:
    subject = _subject(trial.route)
    if (silent := _silent(rule, trial, subject)) is not None:
        return silent
    assert trial.authorization is not None
    followed = [host.header for host in trial.hosts if host.followed]
    if followed:
        happened = f"it followed a forged {' and '.join(followed)}"
    elif not trial.authorization.redirect_same:
        happened = "the token end point got another one than the browser took along"
    else:
        return rule.passed(subject)
    return rule.failed(
        subject,
        rule.finding(
            subject,
            f"The redirect_uri must stay on the app's host but {happened}",
            place=_place(trial.route),
            evidence={
                "followed": followed,
                "answers": {host.header: host.status for host in trial.hosts},
                "same_at_token_end_point": trial.authorization.redirect_same,
            },
            requests=[host.request(trial.route) for host in trial.hosts if trial.route is not None],
        ),
    )


@rule(
    code="OAU007",
    name="session-not-rotated",
    level=Level.BLOCK,
    claim="A log-in with a provider begins a new session: nothing that was planted in the old one is there afterwards.",
    control=CONTROL,
    rationale="Whoever can set a visitor's cookie before the log-in shares the session, or what is in it, afterwards.",
    source="OWASP ASVS 5.0 7.2.4; OWASP Session Management Cheat Sheet (renew the session ID with any new privilege)",
    remedy="Call session.clear() in the callback before login_user(…); with Flask-Session regenerate the id as well.",
)
def session_not_rotated(rule: Rule, trial: OAuthTrial, _: Context) -> Judgement:
    subject = _subject(trial.callback)
    if (silent := _silent(rule, trial, subject)) is not None:
        return silent
    if trial.planted is None:
        return rule.not_proved(
            subject,
            "nothing could be planted in the session before the log-in: compare the session cookie before and after by "
            "hand",
        )
    if not trial.planted and not trial.same_id:
        return rule.passed(subject)
    happened = "the server kept its id" if trial.same_id else "what was planted before the log-in is still there"
    return rule.failed(
        subject,
        rule.finding(
            subject,
            f"A log-in must begin a new session but {happened}",
            place=_place(trial.callback),
            evidence={"planted_survives": trial.planted, "same_id": trial.same_id, "proof": trial.proof},
        ),
    )


OF_THE_START = (pkce_missing, redirect_uri_from_host)
"""Each judges where a log-in begins."""
OF_THE_CALLBACK = (
    state_not_bound,
    nonce_not_checked,
    token_not_validated,
    callback_error_handling,
    session_not_rotated,
)
"""Each judges what it comes back to."""


def _subject(route: Route | None) -> str:
    return route.subject() if route is not None else "app"


def _silent(rule: Rule, trial: OAuthTrial, subject: str) -> Judgement | None:
    """Why nothing can be said at all, else None."""
    if trial.route is None and trial.library:
        return rule.not_proved(
            subject,
            f"{trial.library} is there, but no route was seen to send the browser to a provider: "
            f"name it as login under {_OAUTH}",
        )
    if trial.route is None:
        return rule.skipped(subject, "no route sends the browser to a provider of OAuth or OpenID Connect")
    if trial.failure:
        return rule.not_proved(subject, f"{trial.failure}: raise request_s or trial_s under [tool.seatrial.deadlines]")
    if trial.reason or trial.authorization is None:
        return rule.not_proved(subject, trial.reason or f"the log-in did not begin: name login under {_OAUTH}")
    return None


def _cases(
    rule: Rule,
    trial: OAuthTrial,
    attempts: Sequence[Attempt],
    message: str,
    asked: str,
    level: Level | None = None,
) -> Judgement:
    """What the cases of one topic say. `asked`: what was wrong already when the log-in began."""
    subject = _subject(trial.callback)
    if (silent := _silent(rule, trial, subject)) is not None:
        return silent
    let_in = _let_in(attempts)
    if not let_in and not asked:
        return _unfinished(rule, trial, attempts) or rule.passed(subject)
    said = [asked] if asked else []
    if let_in:
        said.append(f"{_names(let_in)} logged in")
    only_policy = not asked and all(attempt.policy for attempt in let_in)
    finding = rule.finding(
        subject,
        f"{message} but {' and '.join(said)}",
        place=_place(trial.callback),
        detail="policy" if only_policy else "",
        evidence={
            "sent": asked or "ok",
            "logged_in": [_shown(trial, attempt) for attempt in let_in],
            "refused": sum(not a.logged_in and not a.undriven for a in attempts),
            "not_tried": {a.case: a.undriven for a in attempts if a.undriven},
            "proof": trial.proof,
        },
        level=Level.INFO if only_policy else level,
        requests=_requests(trial, let_in),
    )
    return rule.failed(subject, finding)


def _requests(trial: OAuthTrial, attempts: Iterable[Attempt]) -> list[Request]:
    """How each of these log-ins ended, after how all of them begin."""
    callback = trial.callback
    ended = [] if callback is None else [attempt.request(callback) for attempt in dict.fromkeys(attempts)]
    return [*trial.asked, *ended]


def _unfinished(rule: Rule, trial: OAuthTrial, attempts: Sequence[Attempt]) -> Judgement | None:
    """Not proved where an attempt had no end, or time was over."""
    lost = next((a for a in attempts if a.failure), None)
    late = [a for a in attempts if "time of a trial" in a.undriven]
    if lost is None and not late:
        return None
    why = f"{lost.case}: the callback {lost.failure}" if lost is not None else f"{len(late)} cases had no time left"
    way_out = "raise request_s or trial_s under [tool.seatrial.deadlines]"
    return rule.not_proved(_subject(trial.callback), f"{why}: {way_out}")


def _let_in(attempts: Iterable[Attempt]) -> list[Attempt]:
    """The grave ones first."""
    return sorted((attempt for attempt in attempts if attempt.logged_in), key=lambda attempt: attempt.policy)


def _names(attempts: Sequence[Attempt]) -> str:
    shown = "; ".join(attempt.case for attempt in attempts[:_SHOWN])  # some have a comma
    return shown if len(attempts) <= _SHOWN else f"{shown} and {len(attempts) - _SHOWN} more"


def _shown(trial: OAuthTrial, attempt: Attempt) -> dict[str, Any]:
    found = {"case": attempt.case, "clause": attempt.clause, "fault": _fault(trial, default=attempt.by_default)}
    return found | ({"policy": True} if attempt.policy else {})


def _fault(trial: OAuthTrial, *, default: bool) -> str:
    """Whether the app does less than its library, or the library less than it should."""
    return f"default of {trial.library.partition(' ')[0]}" if trial.library and default else "the app"


def _place(route: Route | None) -> Place | None:
    """Without its text: several rules may speak on one view."""
    return Place(route.module_path, route.line) if route is not None and route.module_path else None
