"""What may change the process for good runs in a child of the host: loggers and modules end with it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import TypeVar

from seatrial.model.errors import BrokenError

T = TypeVar("T")


def in_child(work: Callable[[], T]) -> T:
    """The result of `work`, which must be picklable. No connection may be open.

    Raises BrokenError when the child ends without one. The caller's own deadline ends both: they share a process group.
    """
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reads)
        try:
            payload = pickle.dumps((work(), ""))
        except BaseException as error:  # also sys.exit of a migration
            payload = pickle.dumps(
                (None, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
            )
        try:
            with os.fdopen(writes, "wb") as pipe:
                pipe.write(payload)
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(pid, 0)
    if not told:
        raise BrokenError(f"the process that ran it ended with {os.waitstatus_to_exitcode(status)}")
    result, failure = pickle.loads(told)
    if failure:
        raise BrokenError(failure)
    return result  # type: ignore[no-any-return]
