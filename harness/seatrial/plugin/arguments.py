"""What of pytest's command line is meant for the guards."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

import pytest

from seatrial.plugin import collector


@dataclass(frozen=True, slots=True)
class Arguments:
    """Ids of guards that were asked for by hand, and whether anything else was."""

    ids: tuple[str, ...] = ()
    """Empty: all guards."""
    alone: bool = True

    def wants(self, nodeid: str) -> bool:
        return not self.ids or any(self._covers(given, nodeid) for given in self.ids)

    def unknown(self, nodeids: list[str]) -> list[str]:
        """Ids of the command line that are no guard's."""
        return [given for given in self.ids if not any(self._covers(given, nodeid) for nodeid in nodeids)]

    @staticmethod
    def _covers(given: str, nodeid: str) -> bool:
        """A module covers its functions, a function its aims, as everywhere in pytest."""
        return nodeid == given or nodeid.startswith((f"{given}::", f"{given}["))


def take(config: pytest.Config) -> Arguments:
    """Take what is ours off the command line; without any other path pytest itself collects nothing."""
    by_hand = _by_hand(config) if config.args_source is pytest.Config.ArgsSource.ARGS else []
    suites = {f"{collector.FOLDER}{path.name}" for path in collector.modules()}
    ours = [argument for argument in by_hand if _is_ours(argument, suites, config)]
    alone = len(ours) == len(by_hand)
    config.args = [] if alone else [argument for argument in config.args if argument not in ours]
    # Else the header would name `testpaths`, which are not collected.
    config.args_source = pytest.Config.ArgsSource.ARGS
    return Arguments(tuple(ours), alone)


def _by_hand(config: pytest.Config) -> list[str]:
    """Paths and ids of the command line. Those that stand in `addopts` are there in every run and ask for nothing."""
    always = {*config.getini("addopts"), *_words(os.environ.get("PYTEST_ADDOPTS", ""))}
    typed = {os.fspath(argument) for argument in config.invocation_params.args}
    return [argument for argument in config.args if argument not in always or argument in typed]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _is_ours(argument: str, suites: set[str], config: pytest.Config) -> bool:
    file = argument.partition("::")[0]
    return file in suites and not (config.invocation_params.dir / file).exists()
