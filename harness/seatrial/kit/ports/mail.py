"""What an app needs of a mail provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


class MailError(Exception):
    """The mail was not taken."""


@dataclass(frozen=True)
class Mail:
    """One mail to one person."""

    to: str
    subject: str
    text: str


class MailPort(ABC):
    """A mail provider."""

    @abstractmethod
    def send(self, mail: Mail, *, idempotency_key: str | None = None) -> None:
        """Hand it over. Providers that know keys send once per key; with the others a repeated call is a second mail.

        Raises:
            MailError: It was not taken.
        """
