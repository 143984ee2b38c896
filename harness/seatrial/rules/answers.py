"""What an answer allows to be said: the reasons why a rule must stay silent, and the way out of each."""

import re

from seatrial.model.evidence import Exchange
from seatrial.model.findings import Judgement
from seatrial.model.inventory import Route
from seatrial.model.profiles import Profile
from seatrial.model.rules import Context, Rule

RESPONSE = "–"
"""Control of a rule that needs no more than the expected response."""

IDENTITIES = "[[tool.seatrial.identities]]"
ARGUMENTS = "[tool.seatrial.arguments]"

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_LOGIN = re.compile(r"(log|sign)[-_]?in\b|/(auth|oauth2?|sso)(/|$)", re.IGNORECASE)
_TURNED_AWAY = frozenset({401, 403, 429})
_SHOWN_LOCATION = 200
_WITHOUT_BODY = frozenset({204, 205, 304})


def unanswered(rule: Rule, exchange: Exchange) -> Judgement | None:
    """Skipped or not proved where no response came back at all, else None."""
    route = exchange.route
    if route.skipped:
        return rule.skipped(exchange.subject, f"never requested: {route.skipped}")
    if route.shadowed_by:
        return rule.skipped(exchange.subject, f"shadowed: {route.shadowed_by} answers this method and rule")
    if route.unresolved:
        return rule.not_proved(exchange.subject, _unresolved(route.unresolved))
    if exchange.failure:
        return rule.not_proved(
            exchange.subject,
            f"no response ({exchange.failure}): request {exchange.path or route.rule} by hand, "
            f"or put the route on `skip` under [tool.seatrial]",
        )
    return None


def unexpected(rule: Rule, exchange: Exchange) -> Judgement | None:
    """Skipped or not proved where the page itself was not seen (no response, or not 2xx), else None."""
    silent = unanswered(rule, exchange)
    if silent is not None or exchange.ok:
        return silent
    return rule.not_proved(exchange.subject, way_out(exchange))


def unfit(rule: Rule, exchange: Exchange, context: Context) -> Judgement | None:
    """Skipped or not proved where this response may not speak on security, else None."""
    silent = unanswered(rule, exchange)
    if silent is not None:
        return silent
    if context.facts is not None and context.facts.profile != Profile.PROTECTION:
        return rule.not_proved(exchange.subject, other_profile(context.facts.profile))
    if exchange.raised is not None and not exchange.headers:
        return rule.not_proved(
            exchange.subject,
            f"{exchange.raised.type} left the app in place of a response, so there are no headers to judge: "
            f"see ERR005, and switch DEBUG, TESTING and PROPAGATE_EXCEPTIONS off",
        )
    return None


def other_profile(profile: str) -> str:
    return f"seen in the {profile} profile, which has defences switched off: only the protection profile may be judged"


def hot(route: Route, context: Context) -> bool:
    """Whether it is a critical path: named so, or, where nothing is named, with a budget."""
    if context.hot:
        return f"{route.method} {route.rule}" in context.hot
    return context.budget is not None


def turned_away(exchange: Exchange) -> bool:
    """The app answered before the view could: log-in wanted, forbidden, or over a limit."""
    return exchange.status in _TURNED_AWAY or (300 <= exchange.status < 400 and _to_login(exchange))


def redirects(exchange: Exchange) -> bool:
    return 300 <= exchange.status < 400 and exchange.header("Location") is not None


def document(exchange: Exchange) -> bool:
    """A browser would show this response as a page: HTML, with a body, and not a redirect it follows."""
    return exchange.content_type in _HTML and exchange.status not in _WITHOUT_BODY and not redirects(exchange)


def no_document(exchange: Exchange) -> str:
    """Why a response is no page, for the reason of a skipped check."""
    if redirects(exchange):
        return f"answered {exchange.status} to {_location(exchange)}: a browser shows nothing of a redirect"
    return f"answered {exchange.status} as {exchange.content_type or 'no content type'}: not an HTML page"


def _unresolved(names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return f"no sample value for argument '{names[0]}': set it under {ARGUMENTS}"
    listed = ", ".join(f"'{name}'" for name in names)
    return f"no sample values for arguments {listed}: set them under {ARGUMENTS}"


def way_out(exchange: Exchange) -> str:
    """What was seen in place of the page, and what would show the page."""
    status = exchange.status
    seen = f"answered {status}"
    arguments = [name for name, _ in exchange.route.arguments]
    if redirects(exchange):
        seen = f"{seen} to {_location(exchange)}"
    if turned_away(exchange) and status != 429:
        return f"{seen}: log an identity in that may see it ({IDENTITIES})"
    if 300 <= status < 400:
        return f"{seen}: a redirect says nothing of the page behind it; seed what the page wants (`seed`)"
    match status:
        case 404 | 410 if arguments:
            return f"{seen}: set values that exist for {', '.join(arguments)} under {ARGUMENTS}, or seed them (`seed`)"
        case 404 | 410:
            return f"{seen}: seed what the page shows (`seed` under [tool.seatrial])"
        case 429:
            return f"{seen}: a rate limit is on; switch it off for measuring ([tool.seatrial.sweep.env] or .config)"
        case _ if status >= 500:
            return f"{seen}: the page must work before it can be measured; see ERR005"
        case _:
            return f"{seen}: no answer that shows the page; put the route on `skip` if a plain request cannot reach it"


def _location(exchange: Exchange) -> str:
    """Target of a redirect, without its query: that may carry tokens."""
    return (exchange.header("Location") or "nowhere").partition("?")[0][:_SHOWN_LOCATION]


def _to_login(exchange: Exchange) -> bool:
    return _LOGIN.search(_location(exchange)) is not None
