"""What views take and give, as far as pydantic models in their source tell it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]
"""A JSON Schema (draft 2020-12); models are references into `Contracts.schemas`."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One view."""

    text: str = ""
    """Its docstring."""
    body: Schema | None = None
    """Read as JSON."""
    form: Schema | None = None
    query: Schema | None = None
    answers: Mapping[int, Schema] = field(default_factory=dict)
    """JSON by status."""
    refuses: bool = False
    """A request that does not fit is answered 400 with the kit's error envelope."""


@dataclass(frozen=True, slots=True)
class Contracts:
    """All views of an app."""

    title: str
    session_cookie: str
    views: Mapping[str, Contract]
    """By key of the route."""
    schemas: Mapping[str, Any]
    """By name: every model that is referred to."""
