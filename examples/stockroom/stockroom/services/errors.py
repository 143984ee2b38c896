"""The ways in which a service refuses."""

from __future__ import annotations


class ServiceError(Exception):
    """A refusal with a message that is fit for the user."""

    status = 400
    code = "BAD_REQUEST"

    def __init__(self, message: str, details: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}


class InvalidInput(ServiceError):
    code = "VALIDATION_ERROR"


class NotFound(ServiceError):
    status = 404
    code = "NOT_FOUND"


class Conflict(ServiceError):
    status = 409
    code = "CONFLICT"


class Unavailable(ServiceError):
    status = 503
    code = "UNAVAILABLE"
