"""The address of a deployment. Whoever names it has agreed to it: no host is refused."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from seatrial.model.addresses import Destination, destination
from seatrial.model.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Base:
    """`https://app.example/shop`: what stands in front of every path of the app."""

    scheme: str
    host: str
    port: int
    netloc: str
    """Host and port as they were written, for the Host header."""
    prefix: str = ""
    """Path that the app is mounted at, without a slash at the end."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.prefix}"

    @property
    def secure(self) -> bool:
        return self.scheme == "https"

    def leads(self, path: str, location: str) -> Destination:
        """Where a browser goes that is redirected from a path of the app."""
        return destination(f"{self.url}{path}", location)

    def own(self, found: Destination) -> str | None:
        """The app's own path of an address, or None where it lies elsewhere."""
        if not found.followed or found.host != self.host.lower():
            return None
        if self.prefix and not found.path.startswith(f"{self.prefix}/"):
            return None
        return found.path.removeprefix(self.prefix) or "/"


def parsed(url: str) -> Base:
    """The address of a deployment.

    Raises:
        ConfigurationError: It is none.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https"):
        raise ConfigurationError(f"{url} is no web address: write it as https://app.example")
    if parts.username or parts.password:
        raise ConfigurationError(
            "the address holds a user name or password: send them as a header, with headers under "
            "[[tool.seatrial.smoke.routes]]"
        )
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{url}: give the address alone ({parts.scheme}://{parts.netloc}); routes bring paths")
    default = 443 if parts.scheme == "https" else 80
    return Base(parts.scheme, host, port or default, parts.netloc, parts.path.rstrip("/"))
