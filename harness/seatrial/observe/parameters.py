"""Are the parameters of two statements the same? Answered by a salted hash, so that no value has to be kept."""

import datetime
import decimal
import itertools
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

_SALT = secrets.randbits(64)
# Equal values of these hash alike, and hashing them runs no code but the interpreter's own.
_PLAIN = frozenset(
    {
        int, str, bytes, float, bool, type(None), complex, decimal.Decimal, uuid.UUID,
        datetime.datetime, datetime.date, datetime.time, datetime.timedelta,
    }
)  # fmt: skip
_MANY = 1000
_BY_IDENTITY: Any = object.__hash__
_never_the_same = itertools.count(1)


def parameters_hash(parameters: Any) -> int:
    """Equal for equal parameters within one process; unequal (almost surely) for others. Never raises.

    `parameters` is what the driver gets: a tuple, a dict, or a list of those (executemany). A value that cannot be
    compared (an object that hashes by identity) makes the parameters equal to no others: to call two statements
    identical that are not would be a false finding.
    """
    kind = type(parameters)
    if kind is tuple:
        values = parameters
    elif kind is dict:
        values = tuple(parameters.values())
    else:
        return _slowly(parameters)
    if _PLAIN.issuperset(map(type, values)):
        return hash((_SALT, values))
    return _slowly(parameters)


def _slowly(parameters: Any) -> int:
    try:
        return hash((_SALT, _digest(parameters, 0)))
    except Exception:  # a parameter's own __hash__ or iteration failed
        return hash((_SALT, "incomparable", next(_never_the_same)))


def _digest(value: Any, depth: int) -> Any:
    """Something hashable that equals for equal values. Looks at 1000 items of a collection, 8 levels deep."""
    if type(value) in _PLAIN:
        return hash(value)
    if depth > 8:
        raise ValueError("nested too deeply to compare")
    if isinstance(value, Mapping):
        items = itertools.islice(value.items(), _MANY)
        return ("mapping", len(value), *((_digest(k, depth + 1), _digest(v, depth + 1)) for k, v in items))
    if isinstance(value, list | tuple):
        return ("list", len(value), *(_digest(item, depth + 1) for item in value[:_MANY]))
    if isinstance(value, set | frozenset):
        return ("set", len(value), frozenset(_digest(item, depth + 1) for item in value))
    if isinstance(value, bytearray | memoryview):
        return hash(bytes(value))
    for wrapped in ("obj", "adapted"):  # Json and Jsonb of psycopg, Json of psycopg2: they hash by identity
        if type(value).__module__.startswith("psycopg") and hasattr(value, wrapped):
            return (type(value).__name__, _digest(getattr(value, wrapped), depth + 1))
    if getattr(type(value), "__hash__", None) is _BY_IDENTITY:
        raise ValueError("compares by identity")
    return hash(value)
