"""The two ways in which the app under trial is built."""

from enum import StrEnum


class Profile(StrEnum):
    """PROTECTION stands for production and alone may speak on security; SWEEP has limits and CSRF out of the way."""

    PROTECTION = "protection"
    SWEEP = "sweep"
