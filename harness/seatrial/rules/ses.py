"""SES: what logging in and logging out do to the session."""

from seatrial.model.findings import Judgement, Place
from seatrial.model.inventory import BUILT_IN_SKIP, Route
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.model.sessions import LogIn, LogOut
from seatrial.rules.answers import IDENTITIES
from seatrial.rules.registry import rule

WORKS = "the log-in works: it opened a page that was closed before"
"""Control of the rules about log-ins."""


@rule(
    code="SES001",
    name="session-fixation",
    level=Level.WARN,
    claim="A log-in begins a new session: nothing that was in the one before is left, and its cookie opens nothing.",
    control=WORKS,
    rationale="Who can plant a cookie in a victim's browser waits for the log-in, then shares or shapes the session.",
    source="OWASP ASVS 5.0 7.2.4; CWE-384; measured: login_user() of Flask-Login keeps everything that was there",
    remedy="Call session.clear() before login_user(); sessions on the server need a new identifier as well.",
)
def session_fixation(rule: Rule, trial: LogIn, _: Context) -> Judgement:
    if (silent := _log_in_unseen(rule, trial)) is not None:
        return silent
    evidence = {
        "identity": trial.identity,
        "kept_in": trial.kept,
        "page": trial.proof,
        "survived": list(trial.survived),
        "old_cookie_answered": trial.old_cookie,
    }
    if 200 <= trial.old_cookie < 300:
        finding = rule.finding(
            trial.subject,
            f"A cookie from before the log-in must open nothing but {trial.proof} answers {trial.old_cookie} to a copy",
            place=_place(trial.route),
            detail="cookie",
            evidence=evidence,
            level=Level.BLOCK,
        )
        return rule.failed(trial.subject, finding)
    if not trial.planted:
        if trial.old_cookie:
            return rule.not_proved(
                trial.subject,
                f"nothing could be put into the session ({trial.kept}) before the log-in: seatrial reads it through "
                "app.session_interface; try by hand whether a value survives",
            )
        return rule.skipped(trial.subject, "the app keeps no session before the log-in, so there is nothing to fix")
    if not trial.survived:
        return rule.passed(trial.subject)
    message = f"A log-in must begin a new session but what was in the one before is still there ({trial.kept} keeps it)"
    return rule.failed(
        trial.subject, rule.finding(trial.subject, message, place=_place(trial.route), evidence=evidence)
    )


@rule(
    code="SES002",
    name="logout-keeps-session",
    level=Level.WARN,
    claim="After a log-out a copy of the session's cookie opens nothing any more.",
    control="the copy opened the page before the log-out, and who logged out is turned away after it",
    rationale="A cookie that was stolen, or left on a shared machine, stays good although its owner has logged out.",
    source="OWASP ASVS 5.0 7.4.1; measured: sessions that Flask keeps in the cookie are good until they expire",
    remedy="Keep a version of the session with the user, put it into get_id(), and raise it in the log-out.",
)
def logout_keeps_session(rule: Rule, trial: LogOut, _: Context) -> Judgement:
    subject = trial.subject
    if trial.route.skipped and trial.route.skipped != BUILT_IN_SKIP:
        return rule.skipped(subject, f"never requested: {trial.route.skipped}")
    if trial.needless:
        return rule.skipped(subject, trial.needless)
    if not trial.proof and not trial.failure:
        return rule.not_proved(subject, _nobody(trial.identity))
    if trial.failure:
        return rule.not_proved(subject, f"{trial.failure}: see whether the log-in and the log-out work by hand")
    if not 200 <= trial.copy_before < 300:
        return rule.not_proved(
            subject,
            f"{trial.proof} answered {trial.copy_before} to the copy before the log-out already: name another page as "
            f'proof = "/path" of {trial.identity} ({IDENTITIES})',
        )
    if 200 <= trial.after < 300:
        return rule.not_proved(
            subject,
            f"the log-out answered {trial.answered} and {trial.proof} still {trial.after}: nobody was logged out by a "
            f"{trial.route.method}; put the route on `skip` if it is none",
        )
    if not 200 <= trial.copy_after < 300:
        return rule.passed(subject)
    why = (
        "the session is in the cookie alone, and nothing on the server knows that it ended"
        if trial.kept == "the cookie"
        else f"{trial.kept} still knows it"
    )
    finding = rule.finding(
        subject,
        f"A copy of the cookie must be worthless after the log-out but {trial.proof} answers {trial.copy_after}: {why}",
        place=_place(trial.route),
        remedy=""
        if trial.kept == "the cookie"
        else "Call session.clear() in the log-out: it ends the session where it is kept.",
        evidence={
            "identity": trial.identity,
            "kept_in": trial.kept,
            "page": trial.proof,
            "who_logged_out": trial.after,
            "copy": trial.copy_after,
        },
    )
    return rule.failed(subject, finding)


@rule(
    code="SES003",
    name="csrf-token-survives-login",
    level=Level.WARN,
    claim="A token against forged requests from before the log-in is refused after it.",
    control=f"{WORKS}, and the token of the new session was accepted where none was refused",
    rationale="Who planted the session before the log-in knows its token, and forges requests of whoever logs in.",
    source="OWASP ASVS 5.0 7.2.4; OWASP CSRF Prevention Cheat Sheet (tokens per session); CWE-384",
    remedy="Call session.clear() before login_user(), so that the next page makes a new token.",
)
def csrf_token_survives_login(rule: Rule, trial: LogIn, _: Context) -> Judgement:
    if (silent := _log_in_unseen(rule, trial)) is not None:
        return silent
    if not trial.token:
        return rule.skipped(trial.subject, "there was no token before the log-in")
    if not trial.token_route:
        return rule.not_proved(
            trial.subject,
            "no route was found that refuses a request without a token and takes one with it: see CSR001",
        )
    if not trial.old_token_enters:
        return rule.passed(trial.subject)
    finding = rule.finding(
        trial.subject,
        f"A token from before the log-in must be refused but {trial.token_route} was entered with it",
        place=_place(trial.route),
        evidence={"identity": trial.identity, "token_from": trial.token, "tried_on": trial.token_route},
    )
    return rule.failed(trial.subject, finding)


OF_A_LOG_IN = (session_fixation, csrf_token_survives_login)
"""Each judges the trial of one log-in."""


def _log_in_unseen(rule: Rule, trial: LogIn) -> Judgement | None:
    """Why nothing can be said: nobody logs in here, or the log-in was not seen to work."""
    if trial.works:
        return None
    if trial.failure:
        return rule.not_proved(trial.subject, f"the second log-in failed ({trial.failure}): try it by hand")
    return rule.not_proved(trial.subject, _nobody(trial.identity))


def _nobody(identity: str) -> str:
    if not identity or identity == "anonymous":
        return f"nobody logs in here: name an identity with login and fields under {IDENTITIES}"
    return (
        f"no log-in of {identity} was seen to open a page: name its log-in form as login, and a page that only it sees "
        f'as proof = "/path" under {IDENTITIES}'
    )


def _place(route: Route) -> Place | None:
    """Without its text: two methods of one view are two findings."""
    return Place(route.module_path, route.line) if route.module_path else None
