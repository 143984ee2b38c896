"""A log-in with a provider of OAuth or OpenID Connect that misbehaves on demand."""

from seatrial.trials.oauth.drive import drive

__all__ = ["drive"]
