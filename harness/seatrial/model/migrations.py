"""Evidence on the app's own history of migrations."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hazard:
    """What squawk says of one statement."""

    code: str
    """`require-concurrent-index-creation`."""
    message: str
    help: str = ""
    statement: str = ""
    """Its beginning, without values."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision that is under trial."""

    id: str
    path: str
    """Relative to the target's root, POSIX."""
    line: int = 0
    """Of its `upgrade`."""
    sql: str = ""
    """What it sent, with the transactions around it; parameters are left out."""
    hazards: tuple[Hazard, ...] | None = None
    """None: squawk did not look at it."""
    tried: bool = False
    """It was run down and up again."""
    irreversible: str = ""
    """Why its downgrade does not lead back, or empty."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between the models and what the history makes."""

    kind: str
    """`add_index`, `remove_column` … as Alembic's autogenerate calls what it would write."""
    what: str
    """`item.ix_item_name`."""


@dataclass(frozen=True, slots=True)
class History:
    """The app's migrations, run on an empty database of the trial."""

    dialect: str = "postgresql"
    folder: str = ""
    """Relative to the target's root; empty: the app has none."""
    heads: tuple[str, ...] = ()
    count: int = 0
    """Revisions of the whole history."""
    built: bool = False
    """It was run from empty to its end."""
    failed_at: str = ""
    failure: str = ""
    """What ended it."""
    revisions: tuple[Revision, ...] = ()
    """Those that are new: after `since` under [tool.seatrial.migrations]."""
    drift: tuple[Drift, ...] = ()
    compared: bool = False
    """Models and database were compared."""
    unlinted: str = ""
    """Why squawk did not look, or empty."""
    reason: str = ""
    """Why the history could not be tried, or empty."""
