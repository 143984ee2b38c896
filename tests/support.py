"""Small projects on disk for tests that try a whole app."""

import textwrap
from pathlib import Path

CONFIG = """
    [tool.seatrial]
    app = "shop:create_app"
    environment = "production"
    {top}
    [tool.seatrial.database]
    url = "sqlite"
    [tool.seatrial.config]
    SQLALCHEMY_DATABASE_URI = "{{database_url}}"
    SECRET_KEY = "0f9b2c77e1d84a53b6c9d2e8f7a1b0c4"
    {more}
"""


def project(root: Path, files: dict[str, str], *, top: str = "", more: str = "", config: str | None = None) -> Path:
    """Write the files (dedented) and a seatrial.toml; returns the root."""
    root.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    if config is None:
        config = textwrap.dedent(CONFIG).format(top=textwrap.dedent(top), more=textwrap.dedent(more))
    if config:
        (root / "seatrial.toml").write_text(textwrap.dedent(config).lstrip("\n"))
    return root


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file below a folder with its content."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
