"""What a host is told when it starts."""

from dataclasses import dataclass
from pathlib import Path

from seatrial.config import Settings
from seatrial.model.profiles import Profile


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One host: which app, in which profile, on which database, in which folder."""

    settings: Settings
    profile: Profile
    database_url: str
    folder: Path
    """Working copy of the target; the host's current directory."""
