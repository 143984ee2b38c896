"""Outcomes, levels, verdicts and exit codes: the vocabulary of every report."""

from enum import IntEnum, StrEnum


class Outcome(StrEnum):
    """What a check came to. Only PASS means that the claim was seen to hold."""

    PASS = "pass"
    FAIL = "fail"
    NOT_PROVED = "not_proved"
    SKIPPED = "skipped"
    BROKEN = "broken"


class Level(StrEnum):
    """What a failed check does to the verdict."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"
    OFF = "off"


class State(StrEnum):
    """Where a finding stands against the baseline."""

    NEW = "new"
    KNOWN = "known"


class ToolState(StrEnum):
    """How an external tool ended. BROKEN proves nothing and never writes the baseline."""

    OK = "ok"
    FINDINGS = "findings"
    BROKEN = "broken"


class ExitCode(IntEnum):
    """The same for every command. When several apply: 2, 3, 1, 5, 4 in this order."""

    PASS = 0
    BLOCKED = 1
    CONFIGURATION = 2
    BROKEN = 3
    STALE = 4
    INCONCLUSIVE = 5
    INTERRUPTED = 130


PRECEDENCE = (
    ExitCode.CONFIGURATION,
    ExitCode.BROKEN,
    ExitCode.BLOCKED,
    ExitCode.INCONCLUSIVE,
    ExitCode.STALE,
)


def worst(codes: "set[ExitCode]") -> ExitCode:
    """The exit code that wins when several apply."""
    return next((code for code in PRECEDENCE if code in codes), ExitCode.PASS)
