"""The route's body: read, verify, handle, answer."""

from __future__ import annotations

from flask import Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from seatrial.kit.errors import Refusal, error_response
from seatrial.kit.webhooks.event import Refused
from seatrial.kit.webhooks.result import WebhookResult, http_status
from seatrial.kit.webhooks.service import StripeService

LARGEST = 1024 * 1024
"""Bytes; events are of some kilobytes, the largest of some hundred."""
CODES = {409: "EVENT_IN_PROGRESS", 500: "EVENT_NOT_PROCESSED"}


def receive(service: StripeService, *, largest: int = LARGEST) -> Response:
    """Answer the current request: 200 done, 400 or 413 refused, 409 or 500 to be sent again.

    Exempt the route from CSRF protection, and let nothing read the form before it: a body that was parsed is gone.
    """
    try:
        event = service.verify(read_raw(largest), request.headers.get("Stripe-Signature"))
    except Refused as refused:
        return error_response(Refusal.of(refused.status, "WEBHOOK_REFUSED", refused.message))
    return answer(service.handle_event(event))


def answer(result: WebhookResult) -> Response:
    """What a result is answered with."""
    status = http_status(result)
    if status != 200:
        return error_response(Refusal.of(status, CODES[status], result["message"]))
    return jsonify(received=True, outcome=result["outcome"])


def read_raw(largest: int = LARGEST) -> bytes:
    """The raw body, in bounded memory; whatever the content type says.

    Raises:
        Refused: 413.
        RequestEntityTooLarge: The app's own limit is lower.
    """
    too_large = Refused("The body is too large.", RequestEntityTooLarge.code)
    if (request.content_length or 0) > largest:
        raise too_large
    # Read, not asked for: without a length, or with a false one, get_data() takes whatever comes.
    body = bytearray()
    while chunk := request.stream.read(min(65536, largest + 1 - len(body))):
        body += chunk
        if len(body) > largest:
            raise too_large
    return bytes(body) or request.get_data()  # a hook has read it before us, and Flask has kept it
