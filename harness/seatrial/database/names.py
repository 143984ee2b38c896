"""The names of the databases of a run, and the ledger of those it made."""

import hashlib
import re
import threading

from seatrial.model.errors import BrokenError

# PostgreSQL cuts longer names off silently, so two names could become one.
LONGEST = 63


class Ledger:
    """Which databases this run made. Nothing else may be dropped or written over. Safe to use from threads."""

    def __init__(self, run: str) -> None:
        """`run`: any text that tells this run from others on the same server."""
        # Room for a purpose is left whatever the run is called.
        self.prefix = f"seatrial_{_word(run, LONGEST // 2)}_"
        self._made: set[str] = set()
        self._adopted: set[str] = set()
        self._lock = threading.Lock()

    def name(self, purpose: str) -> str:
        """`seatrial_<run>_<purpose>` in lower-case letters, digits and underscores; different purposes never meet."""
        return self.prefix + _word(purpose, LONGEST - len(self.prefix))

    def require_ours(self, name: str) -> None:
        """Raises BrokenError unless `name` is one that `name()` can give."""
        if not name.startswith(self.prefix) or not re.fullmatch(r"[a-z0-9_]+", name) or len(name) > LONGEST:
            raise BrokenError(
                f"{name!r} is not a database of this run, and no other is ever touched: "
                f"take the name from name(purpose), which begins with {self.prefix!r}."
            )

    def require_made(self, name: str) -> None:
        """Raises BrokenError unless this run made `name`."""
        self.require_ours(name)
        if name not in self:
            raise BrokenError(f"the database {name} was not made by this run: create or clone it first.")

    def adopt(self, template: str) -> None:
        """Note a database that another process of the same run made: it may be cloned, and nothing else."""
        with self._lock:
            self._adopted.add(template)

    def require_template(self, name: str) -> None:
        """Raises BrokenError unless this run made `name`, or adopted it."""
        if name not in self._adopted:
            self.require_made(name)

    def __contains__(self, name: str) -> bool:
        with self._lock:
            return name in self._made

    def add(self, name: str) -> None:
        """Note that `name` is ours."""
        with self._lock:
            self._made.add(name)

    def discard(self, name: str) -> None:
        """Note that `name` is gone."""
        with self._lock:
            self._made.discard(name)

    def made(self) -> list[str]:
        """All that are there, sorted."""
        with self._lock:
            return sorted(self._made)


def _word(text: str, longest: int) -> str:
    """`text` as part of a name of at most `longest` characters; a digest keeps apart what the letters no longer do."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if plain == text and len(plain) <= longest:
        return plain
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{plain[: longest - 9]}_{digest}"
