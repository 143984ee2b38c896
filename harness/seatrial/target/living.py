"""Live objects of a class, for what nobody keeps a register of (engines, limiters, metadata)."""

import gc
from typing import TypeVar

T = TypeVar("T")


def living(cls: type[T]) -> list[T]:
    """Asks for the real type: `isinstance` on the proxies of Flask and Werkzeug runs code that needs a request."""
    return [found for found in gc.get_objects() if issubclass(type(found), cls)]
