"""`[tool.seatrial]` of pyproject.toml, or seatrial.toml, as settings; every mistake reported in one go."""

from seatrial.config.load import check_rules, load
from seatrial.config.locate import find_root
from seatrial.config.secrets import hide, secrets
from seatrial.config.settings import (
    Database,
    Deadlines,
    Gates,
    Idempotency,
    Identity,
    Index,
    OAuth,
    Outbound,
    Overrides,
    Settings,
    Webhook,
)

__all__ = [
    "Database",
    "Deadlines",
    "Gates",
    "Idempotency",
    "Identity",
    "Index",
    "OAuth",
    "Outbound",
    "Overrides",
    "Settings",
    "Webhook",
    "check_rules",
    "find_root",
    "hide",
    "load",
    "secrets",
]
