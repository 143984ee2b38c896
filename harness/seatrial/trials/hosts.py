"""Whether what the app sends out follows a forged Host: redirects, mails, and links that it builds for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from seatrial.model.addresses import destination
from seatrial.model.inventory import Route
from seatrial.model.rates import guards_accounts
from seatrial.model.redirects import FOREIGN, FORGED, Forgery, HostTrial
from seatrial.observe.mail import caught_mails
from seatrial.trials.sweep import check_canary
from seatrial.trials.tokens import cookie_header, with_token

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from seatrial.target import Target
    from seatrial.target.reply import Reply

REQUESTS = 60
"""More than one trial sends, the search for a token included; for its deadline."""
LOCATION, MAIL, BUILT, PAGE = "Location", "a mail", "a link that the view built", "a link in the page"
_ADDRESS = re.compile(r"e[-_]?mail|^mail$", re.IGNORECASE)
_LINKS = ("href", "src", "action", "content")


def hosts(target: Target, route: Route, identity: str) -> HostTrial:
    """The route under its own host, then under forged ones, each from a client of its own unless somebody is logged in.

    Raises InconclusiveError when the trial was banned on the way.
    """
    writes = target.writes
    own, answer, mails = _ask(target, route, identity, target.host_name, {})
    trial = HostTrial(target.exchange(route, identity, answer, path=route.path), own, mails)
    if answer.status in (403, 429):
        check_canary(target, route, identity, answer)
    forgeries = []
    for name, host, headers in _forged(target.host_name):
        follows, reply, _ = _ask(target, route, identity, host, headers)
        forgeries.append(Forgery(name, reply.status, follows, reply.failure))
    return replace(trial, forgeries=tuple(forgeries), wrote=target.writes > writes)


def _forged(host: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Header, host of the request, headers besides."""
    for header, value in FORGED.items():
        yield (header, FOREIGN, {}) if header == "Host" else (header, host, {header: value})


def _ask(
    target: Target, route: Route, identity: str, host: str, headers: dict[str, str]
) -> tuple[tuple[str, ...], Reply, int]:
    """What carried the host that the request named, the reply, and how many mails were sent."""
    client = target.client(identity)
    options: dict[str, Any] = {"headers": {}}
    if not route.safe:
        options = _filled(target, client, route)
    named = FOREIGN if host == FOREIGN or headers else host
    base = f"{target.scheme}://{host}"
    # An attacker sends what he likes: the cookies of his session, and a Referer that fits the forged host.
    said = {"Origin": base, "Referer": f"{base}/"} if not route.safe else {}
    options["headers"] = {**options["headers"], **said, **cookie_header(target, client), **headers}
    sender = target.new_client()
    sender.environ_base |= client.environ_base
    sender._cookies = None  # a jar would keep the cookies of the own host from the forged one
    with _links_built(target.app) as built, caught_mails() as mails:
        reply = target.send(sender, route.method, route.path, base_url=base, **options)
    found = {
        LOCATION: 300 <= reply.status < 400 and _is_absolute(reply.header("Location"), named),
        MAIL: any(f"//{named}" in mail for mail in mails),
        BUILT: not route.safe and any(urlsplit(link).hostname == named for link in built),
        PAGE: guards_accounts(route) and "html" in reply.content_type and named in _hosts_linked(base, reply.text),
    }
    return tuple(what for what, seen in found.items() if seen), reply, len(mails)


def _is_absolute(location: str, host: str) -> bool:
    return bool(location) and destination("https://seatrial.invalid/", location).host == host


def _filled(target: Target, client: FlaskClient, route: Route) -> dict[str, Any]:
    """The form of the route's own page, with the address of somebody who has an account."""
    from seatrial.target.forms import forms

    options = with_token(target, client)
    reply = target.send(client, "GET", route.path)
    found = [f for f in forms(reply.text)[0] if "html" in reply.content_type and f.method == "post"]
    fields = next((f.fields for f in found if urlsplit(f.action).path in ("", route.path)), {"email": ""})
    known = next((dict(who.fields) for who in target.settings.identities if who.fields), {})
    address = _address_of(target, known)
    typed = {name: known.get(name) or (address if _ADDRESS.search(name) else value) for name, value in fields.items()}
    return options | {"data": {**typed, **options.get("data", {})}}


def _address_of(target: Target, known: dict[str, str]) -> str:
    """The e-mail address in the row of the identity; else of the first row that has one."""
    first = ""
    with target.connection() as connection:
        for bind in target.binds:
            for table in bind.metadata.tables.values() if bind.metadata is not None else ():
                texts = [column for column in table.columns if isinstance(column.type, sa.String)]
                for address in (column for column in texts if _ADDRESS.search(column.name)):
                    named = [column == known[column.name] for column in texts if known.get(column.name)]
                    for condition in (sa.or_(*named) if named else sa.false(), sa.true()):
                        query = sa.select(address).where(address.is_not(None), condition).limit(1)
                        found = str(connection.execute(query).scalar() or "")
                        if found and condition is not sa.true() and named:
                            return found
                        first = first or found
    return first


@contextmanager
def _links_built(app: Flask) -> Iterator[list[str]]:
    """Absolute addresses that url_for() gives meanwhile: a mail may be queued, logged or handed to a service."""
    found: list[str] = []
    real = app.url_for

    def noting(*args: Any, **kwargs: Any) -> str:
        address = real(*args, **kwargs)
        if "//" in address[:9]:
            found.append(address)
        return address

    app.url_for = noting  # type: ignore[method-assign]
    try:
        yield found
    finally:
        del app.url_for


class _Links(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self.base = base
        self.hosts: set[str] = set()

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in _LINKS and value and "//" in value:
                self.hosts.add(destination("https://seatrial.invalid/", value).host)


def _hosts_linked(base: str, page: str) -> set[str]:
    links = _Links(base)
    try:
        links.feed(page)
        links.close()
    except AssertionError:  # of the parser, on `<![` and the like: what stood in front of it counts
        pass
    return links.hosts
