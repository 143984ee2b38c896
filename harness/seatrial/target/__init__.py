"""The app under trial, built and held inside a host process."""

from seatrial.target.target import Target

__all__ = ["Target"]
