"""TLS, and what http answers in its place."""

from __future__ import annotations

import ssl
import time

from seatrial.model.deployment import HttpsProbe, Tls
from seatrial.model.errors import ConfigurationError
from seatrial.model.inventory import Route
from seatrial.smoke.base import Base, parsed
from seatrial.smoke.client import TLS, Client, certificate_problem, connect, said_of
from seatrial.smoke.exchanges import exchange
from seatrial.smoke.plan import Plan

DAY_S = 86_400.0
SILENT_S = 3.0
"""Waited for an answer over http: a port that is filtered never refuses."""


def trusting(ca: str | None) -> ssl.SSLContext:
    """As browsers do: the system's authorities (or those of a file), the host's name, TLS 1.2 or newer.

    Raises:
        ConfigurationError: The file is none.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError):
        raise ConfigurationError(
            f"{ca} holds no certificates: name a file in PEM format with ca under [tool.seatrial.smoke]"
        ) from None
    # From Python 3.13 on, every extension of RFC 5280 is asked for, which no browser does.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def anybody() -> ssl.SSLContext:
    """Trusts whoever answers: to see the rest of a deployment whose certificate is wrong, never with a token."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def look(plan: Plan, context: ssl.SSLContext | None) -> Tls:
    """The certificate and the protocol; `context` is None for http."""
    if context is None:
        return Tls(plain=True, least_days=plan.days)
    try:
        peer = connect(plan.base, time.monotonic() + plan.timeout_s, context)
    except ssl.SSLCertVerificationError as error:
        return Tls(problem=certificate_problem(error), least_days=plan.days)
    except OSError as error:
        said, kind = said_of(error, plan.timeout_s)
        return Tls(problem=f"it {said}", least_days=plan.days) if kind == TLS else Tls(unseen=said)
    with peer:
        assert isinstance(peer, ssl.SSLSocket)
        certificate = peer.getpeercert() or {}
        ends = certificate.get("notAfter")
        days = int((ssl.cert_time_to_seconds(ends) - time.time()) // DAY_S) if isinstance(ends, str) else None
        return Tls(peer.version() or "", "", days, plan.days, _name(certificate.get("issuer")))


def _name(issuer: object) -> str:
    """The organization of an authority, or its name."""
    known: dict[str, object] = {}
    for part in issuer if isinstance(issuer, tuple) else ():
        known |= {pair[0]: pair[1] for pair in part if isinstance(pair, tuple)}
    return str(known.get("organizationName") or known.get("commonName") or "")


def upgrade(plan: Plan) -> HttpsProbe:
    """One GET over http, where the deployment is https."""
    base = plan.base
    if not base.secure:
        return HttpsProbe(base.netloc, unseen="the address is http itself")
    if plan.http is None and base.port != 443:
        return HttpsProbe(base.netloc, unseen=f"port {base.port} is not 443: name the http address with http")
    plain = parsed(plan.http) if plan.http else _over_http(base)
    route = Route("GET", "/", "", path="/")
    answer = Client(plain, min(plan.timeout_s, SILENT_S)).ask("GET", "/")
    if answer.failure and not answer.status:
        return HttpsProbe(base.netloc)
    location = answer.header("Location")
    leads = plain.leads("/", location) if location else None
    reached = leads is not None and leads.scheme == "https" and leads.host == base.host.lower()
    shown = location.partition("?")[0]
    return HttpsProbe(base.netloc, exchange(plain, route, answer, variant="over http"), shown, reached)


def _over_http(base: Base) -> Base:
    """The same name on port 80; an IPv6 address keeps its brackets."""
    return Base("http", base.host, 80, f"[{base.host}]" if ":" in base.host else base.host, base.prefix)
