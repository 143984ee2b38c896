"""An answer as the rules know it: an exchange, with everything secret left behind."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.model.evidence import Exchange
from seatrial.model.inventory import ANONYMOUS, Route
from seatrial.model.requests import NOTHING, Sent
from seatrial.observe import markup, redaction, refusals
from seatrial.smoke.base import Base
from seatrial.smoke.client import Answer

HTML = frozenset({"text/html", "application/xhtml+xml"})


def exchange(
    base: Base,
    route: Route,
    answer: Answer,
    *,
    path: str = "",
    identity: str = ANONYMOUS,
    variant: str = "plain",
    sent: Sent = NOTHING,
    marks: Mapping[str, str] | None = None,
) -> Exchange:
    """What was asked and answered. `path`: where it is not the route's own."""
    found: dict[str, str] = {"host": base.netloc, "cookie-sizes": redaction.cookie_sizes(answer.headers)}
    if answer.content_type in HTML and not answer.failure:
        found |= markup.marks(answer.text)
    if answer.status >= 400:
        found |= refusals.marks(answer.content_type, answer.body)
    return Exchange(
        route=route,
        identity=identity,
        path=path or route.path,
        status=answer.status,
        headers=redaction.safe_headers(answer.headers),
        scheme=base.scheme,
        variant=variant,
        sent=sent,
        elapsed_ms=round(answer.elapsed_ms, 3),
        content_type=answer.content_type,
        body_size=len(answer.body),
        failure=answer.failure,
        marks={name: value for name, value in {**found, **(marks or {})}.items() if value},
    )


def asked_as(headers: Mapping[str, str]) -> Sent:
    """Headers of the configuration, by name: their values sign somebody in."""
    return Sent(tuple((name, "<as configured>") for name in headers))
