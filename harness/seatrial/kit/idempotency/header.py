"""The header `Idempotency-Key`, and what identifies a request."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest

NAME = "Idempotency-Key"
LONGEST = 255
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
"""A string of RFC 8941, as draft-ietf-httpapi-idempotency-key-header wants it."""
_BARE = re.compile(r"[A-Za-z0-9_.:+/=~-]+")
"""What clients send that follow Stripe and others: a UUID without quotes. Never a comma: that is two headers."""


class KeyMissing(BadRequest):
    """400: the route wants a key."""

    error_code = "IDEMPOTENCY_KEY_MISSING"


class KeyMalformed(BadRequest):
    """400: what was sent is no key."""

    error_code = "IDEMPOTENCY_KEY_MALFORMED"


def read_key(request: Request, *, required: bool, strict: bool) -> str | None:
    """The key, None where none was sent. `strict`: only in quotes.

    Raises:
        KeyMissing: None was sent and one is required.
        KeyMalformed: It is empty, too long, sent twice or of another form.
    """
    sent = request.headers.getlist(NAME)
    if not sent:
        if required:
            raise KeyMissing(f"This request needs the header {NAME}.")
        return None
    text = sent[0].strip(" ") if len(sent) == 1 else ""
    if quoted := _QUOTED.fullmatch(text):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    else:
        key = text if not strict and _BARE.fullmatch(text) else ""
    if not 0 < len(key) <= LONGEST:
        raise KeyMalformed(f"{NAME} must be one string in quotes, of 1 to {LONGEST} characters.")
    return key


def fingerprint(request: Request) -> str:
    """SHA-256 of method, address and content, as clients may write it anew for each try: JSON in canonical form, forms
    without the boundaries between their parts."""
    parts = (request.method, request.full_path, request.mimetype)
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace") + b"\n" + _content(request)).hexdigest()


def _content(request: Request) -> bytes:
    if request.mimetype in FORMS:
        # Not the raw body: who asked for the form before (a CSRF check does) has used it up.
        files = [(name, file.filename, _digest(file)) for name, file in request.files.items(multi=True)]
        return repr((sorted(request.form.items(multi=True)), files)).encode("utf-8", "replace")
    body = request.get_data(cache=True)
    if request.is_json:
        with contextlib.suppress(ValueError, RecursionError):  # not JSON, whatever it is called: as it was sent
            return json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    return body


def _digest(file: FileStorage) -> str:
    digest = hashlib.file_digest(file.stream, hashlib.sha256).hexdigest()  # type: ignore[arg-type]
    file.stream.seek(0)
    return digest
