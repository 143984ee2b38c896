"""Whether a delivery is verified by Stripe's own library: seen in the child that the delivery is sent to."""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import Any

from seatrial.faults.bench import Ran
from seatrial.faults.children import Work
from seatrial.faults.wire import Wire


def watched(work: Work, *, warm: bool) -> Work:
    """The same work, which tells when stripe's `WebhookSignature.verify_header` is asked.

    `warm`: this process has had a delivery, and the app has imported by now what it verifies with.
    """

    def watching(wire: Wire) -> None:
        with contextlib.suppress(ImportError, AttributeError):  # an app that verifies by itself needs no stripe
            stripe = sys.modules.get("stripe") if warm else importlib.import_module("stripe")
            if stripe is not None:
                _watch(stripe.WebhookSignature, wire)
        work(wire)

    return watching


def verified(ran: Ran) -> bool:
    """Whether the library was asked in this delivery."""
    return any("library" in line for line in ran.told)


def _watch(signature: Any, wire: Wire) -> None:
    """For good: the process is a child that has no other purpose."""
    verify_header = signature.verify_header

    def telling(*arguments: Any, **named: Any) -> Any:
        wire.tell(library=True)
        return verify_header(*arguments, **named)

    signature.verify_header = staticmethod(telling)
