"""Where the shipped suites are: inside the wheel, or at the root of a checkout."""

from pathlib import Path

from seatrial.model.errors import BrokenError

_PACKAGE = Path(__file__).resolve().parent


def path(name: str) -> Path:
    """Folder of a suite (`guards`, `ci`, `rules`).

    Raises:
        BrokenError: The installation is incomplete.
    """
    in_checkout = "docs/rules" if name == "rules" else name
    for candidate in (_PACKAGE / "shipped" / name, _PACKAGE.parent.parent / in_checkout):
        if candidate.is_dir():
            return candidate
    raise BrokenError(f"the suite {name!r} is missing from this installation; reinstall seatrial")
