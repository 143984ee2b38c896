"""Reads `url` of a user's server, and refuses what may lead somewhere else than it says."""

import ipaddress
import os
from collections.abc import Sequence

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from seatrial.database.driver import choose_driver
from seatrial.model.errors import ConfigurationError

CHOICES = 'url is "embedded", "sqlite", or a postgresql:// URL of a server'

# Each lets libpq connect elsewhere than host and port of the URL say.
REDIRECTING_KEYS = ("host", "hostaddr", "port", "dbname", "service")
REDIRECTING_VARIABLES = ("PGHOSTADDR", "PGSERVICE")


def server_url(text: str, allow_hosts: Sequence[str]) -> URL:
    """The URL to administrate through, with a driver that imports and a database to connect to.

    `allow_hosts`: host names or addresses that are used although they are not loopback.
    Raises ConfigurationError with every mistake; none of them repeats a password.
    """
    try:
        url = make_url(text)
        dialect, _, driver = url.drivername.partition("+")
    except (ArgumentError, ValueError):
        # Not repeated: it may be a URL with a password and a slip in it.
        raise ConfigurationError(f"the database url cannot be read: {CHOICES}.") from None
    if dialect == "sqlite":
        raise ConfigurationError('a sqlite:// URL names one file, but a trial makes its own: write url = "sqlite".')
    if dialect not in ("postgresql", "postgres"):
        raise ConfigurationError(f"{dialect} is not supported: {CHOICES}.")
    mistakes = [*_host_mistakes(url.host, allow_hosts), *_redirections(url)]
    if mistakes:
        raise ConfigurationError(*mistakes)
    return url.set(drivername=f"postgresql+{choose_driver(driver)}", database=url.database or "postgres")


def is_loopback(host: str) -> bool:
    """Is `host` this machine? Names are not resolved, except that localhost is."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _host_mistakes(host: str | None, allow_hosts: Sequence[str]) -> list[str]:
    if not host:
        return [
            "the database url names no host, and PGHOST decides then: write the host and the port, as apps read both."
        ]
    if is_loopback(host) or host.lower() in {allowed.lower() for allowed in allow_hosts}:
        return []
    mistake = (
        f"the database server {host} is not on this machine, and a trial makes and drops databases on it: "
        f'if that is meant, allow it by name: allow_hosts = ["{host}"] under [tool.seatrial].'
    )
    return [mistake]


def _redirections(url: URL) -> list[str]:
    mistakes = [
        f"the database url sets {key} in its query, which leads past its host: write it before the question mark."
        for key in REDIRECTING_KEYS
        if key in url.query
    ]
    mistakes += [
        f"{variable} is set in the environment and leads libpq past the host of the database url: unset it."
        for variable in REDIRECTING_VARIABLES
        if os.environ.get(variable)
    ]
    return mistakes
