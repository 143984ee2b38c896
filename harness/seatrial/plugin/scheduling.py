"""xdist: the guards of one profile stay on one worker, so that there are two hosts in all and not two per worker.

Not by `xdist_group` marks: xdist 3.8 carries those in item ids, which pytest 9.2 does not let it change (every item is
a group of its own then), and where that works, the ids that it prints cannot be given to pytest again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling, LoadGroupScheduling, LoadScopeScheduling  # type: ignore[import-untyped]

_KINDS: dict[str, type[Any]] = {
    "load": LoadGroupScheduling,
    "worksteal": LoadGroupScheduling,
    "loadgroup": LoadGroupScheduling,
    "loadscope": LoadScopeScheduling,
    "loadfile": LoadFileScheduling,
}


def scheduler(config: pytest.Config, log: Any, groups: Mapping[str, str]) -> Any:
    """What distributes the team's tests as `--dist` says and the items in `groups` (group by id) together; or None."""
    kind = _KINDS.get(config.getvalue("dist"))
    if kind is None:
        return None

    class Scheduling(kind):  # type: ignore[valid-type, misc]
        def _split_scope(self, nodeid: str) -> str:
            scope: str = groups.get(nodeid) or super()._split_scope(nodeid)
            return scope

    return Scheduling(config, log)
