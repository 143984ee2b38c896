"""Errors that end a command with one clear sentence, never a traceback."""

from seatrial.model.outcomes import ExitCode


class SeatrialError(Exception):
    """Something a person can mend. The sentence ends with the way out: a key, a flag, a command."""

    exit_code: ExitCode = ExitCode.BROKEN


class ConfigurationError(SeatrialError):
    """The configuration, or the target it names, cannot be used. Holds every mistake found, not the first."""

    exit_code = ExitCode.CONFIGURATION

    def __init__(self, *mistakes: str) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(mistakes))


class BrokenError(SeatrialError):
    """A tool or the harness itself could not finish; nothing may be concluded."""

    exit_code = ExitCode.BROKEN


class InconclusiveError(SeatrialError):
    """The trial could not be held (banned, locked out, not reachable)."""

    exit_code = ExitCode.INCONCLUSIVE
