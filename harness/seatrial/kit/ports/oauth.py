"""What an app needs of a provider of log-ins."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


class OAuthError(Exception):
    """The provider refused, cannot be reached, or answered what must not be trusted."""


@dataclass(frozen=True)
class Attempt:
    """One log-in: what the browser's session keeps while the person is at the provider. Each value is used once."""

    state: str
    nonce: str
    code_verifier: str
    redirect_uri: str


@dataclass(frozen=True)
class Identity:
    """Who logged in, from a validated ID token. Issuer and subject name a person for good; an address does not."""

    issuer: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None


class OAuthPort(ABC):
    """A provider of log-ins (OpenID Connect, code flow with PKCE)."""

    @abstractmethod
    def authorization_url(self, attempt: Attempt) -> str:
        """Where the browser is sent.

        Raises:
            OAuthError: The provider cannot be reached.
        """

    @abstractmethod
    def identify(self, attempt: Attempt, code: str) -> Identity:
        """Exchange the code that came back, with the state checked by the caller, and validate the ID token.

        Raises:
            OAuthError: Anything about it is wrong.
        """
