"""The table of exit codes: ok, findings or broken, per tool. What is not in it is broken."""

import signal

from seatrial.gates.processes import Finished
from seatrial.model.outcomes import ToolState

_CLEAN_OR_FINDINGS = {0: ToolState.OK, 1: ToolState.FINDINGS}
EXIT_CODES: dict[str, dict[int, ToolState]] = {
    "ruff": _CLEAN_OR_FINDINGS,
    "mypy": _CLEAN_OR_FINDINGS,
    "bandit": _CLEAN_OR_FINDINGS,
    "pytest": _CLEAN_OR_FINDINGS,
}


class Broken(Exception):
    """A tool that could not finish. The text is one sentence with its way out; nothing it printed counts."""


def switch_off(tool: str) -> str:
    return f'set {tool} = "off" in [tool.seatrial.gates]'


def settle(tool: str, finished: Finished, why: str = "") -> ToolState:
    """What the exit code says. `why` is the tool's own reason, put behind the code.

    Raises:
        Broken: Every code that is neither "ok" nor "findings", a signal, a timeout, a cancellation.
    """
    if finished.cancelled:
        raise Broken(f"{tool} was stopped before it finished; run the check again")
    if finished.timed_out:
        raise Broken(
            f"{tool} did not finish within {finished.allowed_s:g} s; "
            f"raise tool_s in [tool.seatrial.deadlines], or {switch_off(tool)}"
        )
    state = EXIT_CODES[tool].get(finished.code)
    if state is not None:
        return state
    because = f": {why.rstrip('.')}" if why else ""
    if finished.code < 0:
        raise Broken(f"{tool} was ended by {_signal(-finished.code)}{because}; run it by hand to see why")
    raise Broken(f"{tool} ended with exit code {finished.code}{because}; mend that, or {switch_off(tool)}")


def _signal(number: int) -> str:
    if number == signal.SIGKILL:
        return "SIGKILL (often: out of memory)"
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
