"""The app under trial, built and held inside a host process."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.target.target import Target

__all__ = ["Target"]


def __getattr__(name: str) -> Any:
    """`Target` brings Flask and SQLAlchemy; who only reads forms (load, smoke) goes without them."""
    if name == "Target":
        from seatrial.target.target import Target

        return Target
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
