"""Guards and tools at the same time, in a folder that goes away with them."""

from __future__ import annotations

from collections.abc import Callable

from seatrial.cli.guards import GuardRun, Watcher
from seatrial.cli.selection import Selection
from seatrial.config import Settings
from seatrial.database.folder import WatchedFolder
from seatrial.gates import start_gates
from seatrial.host import copies
from seatrial.model.errors import ConfigurationError
from seatrial.model.inventory import Inventory
from seatrial.verdict.outcome import Collected


def work(
    settings: Settings,
    selection: Selection,
    progress: Watcher,
    arguments: list[str],
    *,
    guarded: bool,
    judge: Callable[[Collected, Inventory | None], None],
) -> tuple[Collected, Inventory | None]:
    """What guards and tools found.

    Args:
        arguments: For the plugin.
        judge: Called when the guards are done; may add to what they found.
    """
    watched = WatchedFolder("check")  # goes away with us, whatever ends us
    folder = watched.path
    guards: GuardRun | None = None
    gates = None
    try:
        if guarded:
            guards = GuardRun(settings, folder, arguments, progress)
        if selection.tools:
            copy = copies.working_copy(settings.root, folder / "tools") if "pytest" in selection.tools else None
            gates = start_gates(settings, root=settings.root, copy=copy, only=set(selection.tools))
        collected = _waited(guards, optional=not selection.rules)
        inventory = guards.inventory if guards else None
        judge(collected, inventory)
        if gates is not None:
            progress.stage("waiting for the tools")
        for gate in gates.wait() if gates else ():
            collected.tools.append(gate.run)
            collected.findings += gate.findings
    except BaseException:
        if gates is not None:
            gates.cancel()
        if guards is not None:
            guards.cancel()
        raise
    finally:
        copies.remove(folder)
        watched.close()
    return collected, inventory


def _waited(guards: GuardRun | None, *, optional: bool) -> Collected:
    """What the guards found. An app that cannot be built leaves rules about its source with the source alone."""
    if guards is None:
        return Collected()
    try:
        return guards.wait()
    except ConfigurationError as error:
        if not optional:
            raise
        return Collected(notes=[f"the app could not be built, so its source was judged alone: {error.mistakes[0]}"])
