"""Runs ruff, mypy, bandit and the target's own pytest suite; a tool that could not finish is broken, never clean."""

from seatrial.gates.runner import GATES, GateResult, Handle, run_gates, start_gates

__all__ = ["GATES", "GateResult", "Handle", "run_gates", "start_gates"]
