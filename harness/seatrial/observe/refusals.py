"""What the body of an error says, as plain marks: its shape, and whether it tells of the app's inside.

Rules never see a body, so it is read here, in the process that holds the app.
"""

import html
import json
import re

from seatrial.model.envelope import is_json, shape

READ = 64 * 1024
"""Characters of a body that are looked at."""
SHOWN = 12
"""Keys of a JSON body that are kept."""
_TELLING = 8
"""Characters of an exception's message from which on finding it in a body is no accident."""
_COMPARED = 500

_KEY = re.compile(r"[A-Za-z_][\w-]{0,39}")
_PATTERNS = {
    "a traceback": re.compile(
        r"Traceback \(most recent call last\)|File \"[^\"\n]{1,300}\", line \d+|<div class=\"debugger\">"
    ),
    "SQL": re.compile(
        r"\[SQL: |sqlalche\.me/e/|\bSQLSTATE\b|UNIQUE constraint failed|violates [\w-]+ constraint|"
        r"\bSELECT\s[^;<>]{1,400}?\sFROM\s+[\w\"`\[]|\bINSERT INTO\s+[\w\"`\[]|\bDELETE FROM\s+[\w\"`\[]|"
        r"\bUPDATE\s+[\w\"`.]{1,80}\s+SET\s"
    ),
    "the name of an exception": re.compile(
        r"\b(?:Attribute|Assertion|Index|Key|Lookup|Name|OS|Overflow|Recursion|Runtime|Type|UnicodeDecode|Value|"
        r"ZeroDivision|JSONDecode|Integrity|Operational|Programming|Data|Statement|Database)Error\b|"
        r"\b(?:NoResultFound|DetachedInstanceError|TemplateNotFound|UndefinedError)\b"
    ),
    "the text of an exception": re.compile(
        r"invalid literal for int\(\)|could not convert string to|'NoneType' object|object is not (?:subscriptable|"
        r"iterable|callable)|object has no attribute|indices must be integers|division by zero|list index out of range|"
        r"unsupported operand type|not enough values to unpack|Expecting (?:value|property name|',' delimiter)|"
        r"unexpected keyword argument|missing \d+ required (?:positional|keyword)|codec can't decode byte|"
        r"No such file or directory|int too large to convert|Exceeds the limit \(\d+"
    ),
}


def marks(content_type: str, body: bytes, raised: str = "") -> dict[str, str]:
    """Marks of a 4xx or 5xx answer; `raised` is the message of the exception behind it, where one is known.

    `error-shape`: a `Shape`. `error-keys`: the top-level keys of a JSON body, comma-separated. `error-leaks`: what
    it tells of the inside, one kind a line.
    """
    found = {"error-shape": shape(content_type, body).value, "error-leaks": "\n".join(leaks(body, raised))}
    if is_json(content_type):
        found["error-keys"] = ", ".join(_keys(body))
    return found


def leaks(body: bytes, raised: str = "") -> list[str]:
    """Kinds of inside knowledge in a body."""
    text = body[:READ].decode("utf-8", "replace")
    # As people would read it: JSON and HTML escape the quotes of file names and messages.
    text = html.unescape(text.replace('\\"', '"').replace("\\n", "\n"))
    found = [kind for kind, pattern in _PATTERNS.items() if pattern.search(text)]
    said = raised.strip()[:_COMPARED]
    if len(said) >= _TELLING and said in text and "the text of an exception" not in found:
        found.append("the text of an exception")
    return found


def _keys(body: bytes) -> list[str]:
    """Names only, and only such as a programmer writes: a key may as well be data."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return []
    keys = sorted(str(key) for key in value)[:SHOWN] if isinstance(value, dict) else []
    return [key for key in keys if _KEY.fullmatch(key)]
