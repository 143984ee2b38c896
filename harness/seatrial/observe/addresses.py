"""Is a host this machine? Answered without a look-up."""

import ipaddress

_NAMES = frozenset({"", "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})


def plain_host(host: str | bytes | None) -> str:
    """Lower case, without brackets, trailing dot and IPv6 zone; empty for None."""
    if host is None:
        return ""
    text = host.decode("ascii", "backslashreplace") if isinstance(host, bytes | bytearray) else str(host)
    return text.strip("[]").rstrip(".").partition("%")[0].lower()


def is_loopback(host: str | bytes | None) -> bool:
    """True for loopback and unspecified addresses (0.0.0.0 leads here too) and for the names of loopback."""
    name = plain_host(host)
    if name in _NAMES:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or (mapped or address).is_unspecified
