"""Mails that the app sends, caught on their way: smtplib (and what is built on it), and Flask-Mail when it is silent.

Only while `caught_mails()` is open: elsewhere a try to reach a mail server is refused, see `outbound`. Nothing is sent,
on loopback either. What is kept is the text, for a look at its links; it never leaves the process.
"""

import smtplib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, message_from_string
from email.message import Message
from typing import Any


@contextmanager
def caught_mails() -> Iterator[list[str]]:
    """The texts of the mails that are sent meanwhile, by any thread, every readable part of each."""
    found: list[str] = []

    def connect(client: smtplib.SMTP, *_: Any, **__: Any) -> tuple[int, bytes]:
        client.esmtp_features, client.does_esmtp = {"smtputf8": "", "auth": " PLAIN LOGIN", "starttls": ""}, True
        client.helo_resp = client.ehlo_resp = b"seatrial"
        return 220, b"seatrial"

    def sendmail(_: smtplib.SMTP, __: str, ___: Any, message: Any, *____: Any, **_____: Any) -> dict[str, Any]:
        found.append(_text(message))
        return {}

    def agree(*_: Any, **__: Any) -> tuple[int, bytes]:
        return 250, b"ok"

    def nothing(*_: Any, **__: Any) -> None:
        return None

    of = smtplib.SMTP
    stand_ins: dict[str, Any] = {
        "connect": connect,
        "sendmail": sendmail,
        "starttls": agree,
        "login": agree,
        "ehlo": agree,
        "helo": agree,
        "noop": agree,
        "rset": agree,
        "quit": agree,
        "close": nothing,
        "ehlo_or_helo_if_needed": nothing,
    }
    before = {name: vars(of)[name] for name in stand_ins}
    for name, stand_in in stand_ins.items():
        setattr(of, name, stand_in)
    try:
        with _dispatched(found):
            yield found
    finally:
        for name, original in before.items():
            setattr(of, name, original)


@contextmanager
def _dispatched(found: list[str]) -> Iterator[None]:
    """Flask-Mail says what it would have sent where MAIL_SUPPRESS_SEND or TESTING keeps it from sending."""
    signal = getattr(sys.modules.get("flask_mail"), "email_dispatched", None)
    if signal is None:
        yield
        return

    def note(message: Any, **_: Any) -> None:
        found.append(_text(str(message)))

    with signal.connected_to(note):
        yield


def _text(message: Any) -> str:
    """Every part of a message, decoded: links of a quoted-printable part are broken over lines."""
    try:
        parsed = message_from_bytes(message) if isinstance(message, bytes) else message_from_string(str(message))
        parts = [part for part in parsed.walk() if not part.is_multipart()]
        return "\n".join(map(_decoded, parts))
    except Exception:  # whatever an app hands over as a message
        return message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(payload)
