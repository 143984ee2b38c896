"""The driver that names a URL and connects: whichever of three the app under trial can import, too."""

import importlib
from typing import Any

from sqlalchemy.exc import DBAPIError

from seatrial.model.errors import ConfigurationError

# In the order in which Flask codebases have them.
DRIVERS = ("psycopg2", "psycopg", "pg8000")
LIBPQ = frozenset({"psycopg2", "psycopg"})

DUPLICATE_DATABASE = "42P04"
OBJECT_IN_USE = "55006"


def choose_driver(wanted: str = "") -> str:
    """`wanted`, or the first of DRIVERS that imports.

    A bare postgresql:// is never handed out: it is psycopg2 on SQLAlchemy 2.0 and psycopg on 2.1.
    Raises ConfigurationError when none imports, or `wanted` is another one.
    """
    if wanted and wanted not in DRIVERS:
        raise ConfigurationError(
            f"the database URL names the driver {wanted}, which is not one of {', '.join(DRIVERS)}: "
            "name one of these, or none."
        )
    for driver in (wanted,) if wanted else DRIVERS:
        # Really imported: psycopg is found, yet does not import, where neither libpq nor psycopg-binary is.
        try:
            importlib.import_module(driver)
        except ImportError:
            continue
        return driver
    raise ConfigurationError(
        f"no PostgreSQL driver can be imported ({wanted or ', '.join(DRIVERS)}): "
        "pip install 'seatrial[postgres]', which brings psycopg."
    )


def connect_arguments(driver: str, *, own_server: bool) -> dict[str, Any]:
    """What the administration connects with beside the URL. `own_server`: the embedded one, on loopback without TLS."""
    arguments: dict[str, Any] = {"application_name": "seatrial"}
    if driver in LIBPQ:
        arguments["connect_timeout"] = 10
        if own_server:
            # PGSSLMODE=require in a developer's shell is meant for another server.
            arguments |= {"sslmode": "disable", "gssencmode": "disable"}
    return arguments


def state_of(error: DBAPIError) -> str:
    """The five-character SQLSTATE of `error`; empty when the server gave none."""
    original = error.orig
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None) or _pg8000(original, "C")
    return str(state or "")


def message_of(error: DBAPIError) -> str:
    """One line of the server's own message, without the statement and without a full stop."""
    original = error.orig
    primary = getattr(getattr(original, "diag", None), "message_primary", None) or _pg8000(original, "M")
    lines = str(primary or original).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(original).__name__


def _pg8000(original: BaseException | None, field: str) -> str | None:
    details = original.args[0] if original is not None and original.args else None
    return details.get(field) if isinstance(details, dict) else None
