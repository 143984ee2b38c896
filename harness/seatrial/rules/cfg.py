"""CFG: what was really on in the app that was built. Only the facts of the protection profile may be judged."""

from collections.abc import Mapping

from seatrial.model.evidence import AppFacts
from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level
from seatrial.model.profiles import Profile
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import RESPONSE, other_profile
from seatrial.rules.registry import rule

APP = "app"
_PROTECTS = {
    "csrf": "CSRF protection",
    "rate-limit": "rate limiting",
    "login": "log-in",
    "headers": "security headers",
    "sessions": "session protection",
    "oauth": "OAuth log-in",
}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_DEVELOPED = frozenset({"development", "test"})
_REFUSED = frozenset({400, 403, 421})


@rule(
    code="CFG001",
    name="protection-off",
    level=Level.BLOCK,
    claim="No protection of the app is switched off by the configuration under trial.",
    control="a CSRF, rate-limit, log-in or header library was recognised in the built app",
    rationale="Test configurations switch CSRF, limits and log-in off, and every test of them then proves nothing.",
    source="Django check W003; measured: under TESTING a mature codebase switched log-in, CSRF and permissions off",
    remedy="Remove the switch from the configuration of the protection profile ([tool.seatrial.protection.config]).",
)
def protection_off(rule: Rule, facts: AppFacts, _: Context) -> Judgement:
    if (silent := _other_profile(rule, APP, facts)) is not None:
        return silent
    if not facts.protections:
        return rule.not_proved(
            APP,
            "no CSRF, limiter or login library was recognised: what a hand-made defence does is judged by the CSR, RTL "
            "and SES rules",
        )
    findings = []
    for protection in facts.protections:
        if protection.active:
            continue
        what = _PROTECTS.get(protection.name, protection.name)
        by = f"switched off by {protection.switched_off_by}" if protection.switched_off_by else "not active"
        key = protection.switched_off_by.partition("=")[0].strip()
        findings.append(
            rule.finding(
                f"config {key}" if _is_key(key) else APP,
                f"{what[0].upper()}{what[1:]} must be on as in {facts.environment} but {protection.library} is {by}",
                detail=protection.name,
                evidence={
                    "protection": protection.name,
                    "library": protection.library,
                    "switched_off_by": protection.switched_off_by,
                    "environment": facts.environment,
                    "active": [p.name for p in facts.protections if p.active],
                },
            )
        )
    return rule.failed(APP, *findings) if findings else rule.passed(APP)


@rule(
    code="CFG002",
    name="debug-on",
    level=Level.BLOCK,
    claim="The app does not run with DEBUG or TESTING.",
    control=RESPONSE,
    rationale="The debugger runs any code a visitor types; TESTING hands exceptions through and switches defences off.",
    source="OWASP ASVS 5.0 13.4.2; Django check W018; Flask documentation, DEBUG and TESTING",
    remedy="Keep DEBUG and TESTING out of the production configuration; use flask run --debug while developing.",
)
def debug_on(rule: Rule, facts: AppFacts, _: Context) -> Judgement:
    subject = "config DEBUG"
    if (silent := _other_profile(rule, subject, facts)) is not None:
        return silent
    if facts.environment in _DEVELOPED:
        return rule.skipped(subject, f"`environment` is {facts.environment}, where DEBUG and TESTING are wanted")
    findings = [
        rule.finding(
            subject,
            f"{key} must be off in {facts.environment} but is on",
            detail=key,
            evidence={"key": key, "value": True, "environment": facts.environment},
        )
        for key, on in (("DEBUG", facts.debug), ("TESTING", facts.testing))
        if on
    ]
    return rule.failed(subject, *findings) if findings else rule.passed(subject)


@rule(
    code="CFG003",
    name="weak-secret-key",
    level=Level.BLOCK,
    claim="SECRET_KEY is set, long enough and not guessable.",
    control=RESPONSE,
    rationale="Whoever guesses the key signs a session of any user; word lists of Flask keys are public.",
    source="OWASP ASVS 5.0 11.2.3; Django checks W009 and W025; Flask documentation, SECRET_KEY",
    remedy="Generate one (python -c 'import secrets; print(secrets.token_hex(32))') and read it from the environment.",
)
def weak_secret_key(rule: Rule, facts: AppFacts, context: Context) -> Judgement:
    subject, limit = "config SECRET_KEY", context.limits.secret_key_bytes
    if (silent := _other_profile(rule, subject, facts)) is not None:
        return silent
    length, weakness = facts.secret_key_length, facts.secret_key_weakness
    if not length:
        happened = "is not set"
    elif length < limit and weakness:
        happened = f"has {length}, and {weakness}"
    elif length < limit:
        happened = f"has {length}"
    elif weakness:
        happened = f"can be guessed: {weakness}"
    else:
        return rule.passed(subject)
    evidence = {"length": length, "limit": limit, "weakness": weakness, "environment": facts.environment}
    message = f"SECRET_KEY must have {limit} unguessable bytes but {happened}"
    return rule.failed(subject, rule.finding(subject, message, evidence=evidence))


@rule(
    code="CFG004",
    name="no-body-limit",
    level=Level.WARN,
    claim="MAX_CONTENT_LENGTH limits request bodies to a reasonable size.",
    control=RESPONSE,
    rationale="One endless upload fills memory or disk of a worker; the limit refuses it with 413 before the view.",
    source="OWASP ASVS 5.0 5.2.1; Flask documentation, MAX_CONTENT_LENGTH (default: no limit)",
    remedy="Set MAX_CONTENT_LENGTH = 16 * 1024 * 1024, and request.max_content_length in the one view that takes more.",
)
def no_body_limit(rule: Rule, facts: AppFacts, context: Context) -> Judgement:
    subject, limit = "config MAX_CONTENT_LENGTH", context.limits.body_bytes
    if (silent := _other_profile(rule, subject, facts)) is not None:
        return silent
    if facts.body_limit is not None and facts.body_limit <= limit:
        return rule.passed(subject)
    if facts.body_limit is None:
        happened = "is not set"
    elif _size(facts.body_limit) == _size(limit):
        happened = f"exceeds that by {facts.body_limit - limit} B"
    else:
        happened = f"is {_size(facts.body_limit)}"
    return rule.failed(
        subject,
        rule.finding(
            subject,
            f"MAX_CONTENT_LENGTH must be at most {_size(limit)} but {happened}",
            evidence={"body_limit": facts.body_limit, "limit": limit},
            level=Level.WARN,
        ),
    )


@rule(
    code="CFG005",
    name="untrusted-host",
    level=Level.WARN,
    claim="A request with a forged Host header is refused, or cannot change the links the app builds.",
    control="a harmless GET with the app's own Host was answered, and one with a forged Host came back too",
    rationale="External links follow Host: a reset mail then links to the attacker's site, with the token in it.",
    source="OWASP ASVS 5.0 4.1.3; Django check W020; measured with Flask 3.1: a plain app links to the forged host",
    remedy="Set TRUSTED_HOSTS (Flask 3.1 or newer), or SERVER_NAME, or refuse unknown hosts in a before_request hook.",
)
def untrusted_host(rule: Rule, facts: AppFacts, _: Context) -> Judgement:
    subject = "config TRUSTED_HOSTS"
    if (silent := _other_profile(rule, subject, facts)) is not None:
        return silent
    own = {host: status for host, status in facts.host_answers.items() if _is_own(host, facts)}
    forged = {host: status for host, status in facts.host_answers.items() if host not in own}
    if not forged:
        return rule.not_proved(subject, "no request with a forged Host came back: the app needs one GET route to ask")
    accepted = {host: status for host, status in forged.items() if status < 400}
    if not accepted:
        return rule.passed(subject) if _refusal_seen(own, forged, facts) else rule.not_proved(subject, _unseen(facts))
    if facts.server_name and not facts.trusted_hosts:
        return rule.passed(subject)  # answered, but url_for() builds its links from SERVER_NAME
    host, status = next(iter(accepted.items()))
    happened = (
        f"TRUSTED_HOSTS is set and '{host}' was answered {status} all the same"
        if facts.trusted_hosts
        else f"'{host}' was answered {status}, with neither TRUSTED_HOSTS nor SERVER_NAME set"
    )
    evidence = {
        "host_answers": dict(facts.host_answers),
        "trusted_hosts": list(facts.trusted_hosts),
        "server_name": facts.server_name,
        "proxy_fix": facts.proxy_fix,
    }
    message = f"A forged Host must be refused but {happened}"
    return rule.failed(subject, rule.finding(subject, message, evidence=evidence))


@rule(
    code="CFG006",
    name="monitor-missing",
    level=Level.INFO,
    claim="Slow queries are logged in production.",
    control=RESPONSE,
    rationale="A trial sees the data of a trial; what turns slow with the customer's rows shows only in a log.",
    source="SQLAlchemy documentation, Performance FAQ (query profiling); Flask-SQLAlchemy, Recording Query Information",
    remedy="Add Monitor(app) of seatrial.monitor, which logs statements over a limit with their route.",
)
def monitor_missing(rule: Rule, facts: AppFacts, _: Context) -> Judgement:
    if (silent := _other_profile(rule, APP, facts)) is not None:
        return silent
    if not facts.has_database:
        return rule.skipped(APP, "the app has no SQLAlchemy engine: there are no queries to log")
    if facts.monitors:
        return rule.passed(APP)
    finding = rule.finding(
        APP,
        "Slow queries must be logged but neither seatrial.monitor, nor an engine listener, nor "
        "SQLALCHEMY_RECORD_QUERIES is active",
        evidence={"monitors": []},
    )
    return rule.failed(APP, finding)


def _other_profile(rule: Rule, subject: str, facts: AppFacts) -> Judgement | None:
    return None if facts.profile == Profile.PROTECTION else rule.not_proved(subject, other_profile(facts.profile))


def _is_own(host: str, facts: AppFacts) -> bool:
    """The app's own name, or one that it trusts: everything else that was sent is forged."""
    bare = host.partition(":")[0] if not host.startswith("[") else host
    names = {facts.server_name.partition(":")[0], *facts.trusted_hosts}
    return bare in _LOOPBACK or bare in names or any(n.startswith(".") and bare.endswith(n) for n in names)


def _refusal_seen(own: Mapping[str, int], forged: Mapping[str, int], facts: AppFacts) -> bool:
    """The forged name was refused for its own sake: the same request under the app's name got another answer."""
    refused = all(status in _REFUSED for status in forged.values())
    if not own:
        return refused and bool(facts.trusted_hosts)
    return any(status < 400 or (refused and status < 500 and status not in _REFUSED) for status in own.values())


def _unseen(facts: AppFacts) -> str:
    seen = ", ".join(f"'{host}' {status}" for host, status in facts.host_answers.items())
    return (
        f"answered {seen}: the app's own Host fares no better, so a refusal shows nothing; seed a page that answers 200"
    )


def _is_key(text: str) -> bool:
    return bool(text) and text.isidentifier() and text.isupper()


def _size(size: int) -> str:
    """In the largest unit that keeps it readable."""
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("kB", 1024)):
        if size >= factor:
            return f"{size / factor:.4g} {unit}"
    return f"{size} bytes"
