"""Structured fields (RFC 9651) as far as security headers use them: dictionaries of tokens, and single tokens.

What the grammar does not allow makes the whole field unreadable, as in browsers.
"""

import re

_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_PARAMETER = re.compile(r";[ ]*[a-z*][a-z0-9_.*-]*")
_BARE = re.compile(
    r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
    r"|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*"
    r"|-?[0-9]{1,15}(?:\.[0-9]{1,3})?"
    r"|\?[01]"
    r"|:[A-Za-z0-9+/=]*:"
)
_TOKEN = re.compile(r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*")


class Unreadable(Exception):
    """The field does not follow the grammar; says where it ends to."""


def dictionary(field: str) -> dict[str, list[str]]:
    """Members of a dictionary, each a list of the bare items of its value as written.

    Raises:
        Unreadable: Browsers ignore the field.
    """
    found: dict[str, list[str]] = {}
    at = _spaces(field, 0)
    while at < len(field):
        key, at = _take(_KEY, field, at, "a name")
        found[key] = ["?1"]
        if field[at : at + 1] == "=":
            found[key], at = _inner_list(field, at + 2) if field[at + 1 : at + 2] == "(" else _item(field, at + 1)
        at = _spaces(field, _parameters(field, at), "\t ")
        if at == len(field):
            break
        if field[at] != ",":
            raise Unreadable(f"a comma is missing before '{field[at : at + 20]}'")
        at = _spaces(field, at + 1, "\t ")
        if at == len(field):
            raise Unreadable("a comma at the end")
    return found


def token(field: str) -> str | None:
    """The token that is the whole of an item, without its parameters; None where browsers would ignore the field."""
    text = field.strip(" ")
    found = _TOKEN.match(text)
    try:
        return found[0] if found is not None and _parameters(text, found.end()) == len(text) else None
    except Unreadable:
        return None


def _inner_list(field: str, at: int) -> tuple[list[str], int]:
    found: list[str] = []
    while True:
        at = _spaces(field, at)
        if field[at : at + 1] == ")":
            return found, at + 1
        item, at = _item(field, at)
        found += item
        if field[at : at + 1] not in (" ", ")"):
            raise Unreadable("a list without an end")


def _item(field: str, at: int) -> tuple[list[str], int]:
    bare, at = _take(_BARE, field, at, "a value")
    return [bare], _parameters(field, at)


def _parameters(field: str, at: int) -> int:
    while (found := _PARAMETER.match(field, at)) is not None:
        at = found.end()
        if field[at : at + 1] == "=":
            _, at = _take(_BARE, field, at + 1, "a value")
    return at


def _take(pattern: re.Pattern[str], field: str, at: int, what: str) -> tuple[str, int]:
    found = pattern.match(field, at)
    if found is None:
        raise Unreadable(f"{what} is missing at '{field[at : at + 20]}'" if at < len(field) else f"{what} is missing")
    return found[0], found.end()


def _spaces(field: str, at: int, white: str = " ") -> int:
    while at < len(field) and field[at] in white:
        at += 1
    return at
