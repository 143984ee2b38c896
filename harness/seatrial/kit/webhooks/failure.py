"""What is written down of a failure: enough to find it, nothing of the payload."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from seatrial.kit.webhooks.table import LONGEST_ERROR

KIT = str(Path(__file__).resolve().parents[1])


class WebhookError(Exception):
    """A handler cannot process the event (yet). The message is recorded: it must hold no personal data, no secrets."""


class ClaimLost(WebhookError):
    """Another process has taken the event, or the handler rolled its transaction back."""


def described(error: BaseException) -> str:
    """Class and place; the text only of our own errors, because that of others may hold what they failed on.

    `IntegrityError (UniqueViolation) in complete_checkout, billing.py:41`
    """
    if isinstance(error, WebhookError):
        text = f"{type(error).__name__}: {error}"
    else:
        cause = f" ({type(error.orig).__name__})" if isinstance(error, DBAPIError) and error.orig else ""
        text = f"{type(error).__name__}{cause}{_place(error)}"
    # PostgreSQL stores no NUL and no lone surrogate.
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:LONGEST_ERROR]


def _place(error: BaseException) -> str:
    """The innermost frame of the app: neither the kit's, nor a library's, nor compiled (those have relative names)."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if os.path.isabs(frame.filename) and not _foreign(frame.filename)]
    found = (own or list(frames))[-1:]
    return "".join(f" in {frame.name}, {Path(frame.filename).name}:{frame.lineno}" for frame in found)


def _foreign(filename: str) -> bool:
    return filename.startswith(KIT) or "site-packages" in filename
