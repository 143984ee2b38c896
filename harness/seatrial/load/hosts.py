"""Which addresses may be loaded: this machine, and what was allowed by name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from seatrial.model.errors import ConfigurationError


def checked(url: str, allowed: Iterable[str]) -> str:
    """The address without path and trailing slash.

    Raises:
        ConfigurationError: It is no web address, or a host that nobody has allowed.
    """
    try:
        parsed = urlsplit(url)
        host, _ = parsed.hostname, parsed.port
    except ValueError:
        host = None
    if not host or parsed.scheme not in ("http", "https"):
        raise ConfigurationError(f"{url} is no web address: write it as http://127.0.0.1:8000")
    if parsed.username or parsed.password:
        raise ConfigurationError("the address holds a user name or password: give them with --field, as env:NAME")
    if not _loopback(host) and host not in set(allowed):
        raise ConfigurationError(
            f"{host} is not this machine, and a load test can bring a server down: "
            f"allow it by name with --allow-host {host} (or allow_hosts under [tool.seatrial])"
        )
    if parsed.path.strip("/") or parsed.query:
        raise ConfigurationError(
            f"{url}: give the address alone ({parsed.scheme}://{parsed.netloc}); routes bring paths"
        )
    return f"{parsed.scheme}://{parsed.netloc}"


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
