"""What settings hand out: filled values per profile, and the secrets that reports scrub."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from seatrial.config import Identity, Overrides, Settings, load, secrets


def settings(**tables: Any) -> Settings:
    return Settings(root=Path("/p"), file=Path("/p/pyproject.toml"), app="app:create_app", **tables)


def test_placeholders_are_filled_at_any_depth() -> None:
    held = settings(config={"A": {"b": ["x={database_url}&{other}", 3, None]}, "C": True})
    assert held.config_for("sweep", "URL") == {"A": {"b": ["x=URL&{other}", 3, None]}, "C": True}


def test_what_is_handed_out_is_a_copy() -> None:
    held = settings(config={"A": {"b": [1]}})
    held.config_for("sweep", "URL")["A"]["b"].append(2)
    assert held.config == {"A": {"b": [1]}}


def test_overrides_count_for_their_profile_only() -> None:
    held = settings(
        env={"A": "1", "B": "1"},
        config={"CSRF": True, "NESTED": {"a": 1}},
        sweep=Overrides(env={"A": "2"}, config={"CSRF": False, "NESTED": {"b": 2}}),
        protection=Overrides(env={"C": "{database_url}"}),
    )
    assert held.environment_for("sweep", "URL") == {"A": "2", "B": "1"}
    assert held.environment_for("protection", "URL") == {"A": "1", "B": "1", "C": "URL"}
    assert held.config_for("sweep", "URL") == {"CSRF": False, "NESTED": {"b": 2}}
    assert held.config_for("protection", "URL") == {"CSRF": True, "NESTED": {"a": 1}}


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        settings().workers = 2


def test_secrets() -> None:
    held = settings(
        env={"DATABASE_URL": "postgresql://u:p%40ssw0rd@h/d", "LANG": "en_GB.UTF-8"},
        config={
            "SECRET_KEY": "quite-secret",
            "MAIL": {"PASSWORD": "letmein"},
            "NAME": "Shop",
            "API_KEY": "k",
            "USE_TOKEN": "true",
        },
        sweep=Overrides(config={"JWT_SECRET": "sweep-secret"}),
        identities=[
            Identity(name="owner", login="/login", fields={"username": "owner", "password": "hunter2"}),
            Identity(name="api", headers={"Authorization": "Bearer abc.def", "X-Tenant-Signature": "sig0"}),
        ],
    )
    assert secrets(held) == {
        "p%40ssw0rd",
        "p@ssw0rd",
        "quite-secret",
        "letmein",
        "sweep-secret",
        "hunter2",
        "Bearer abc.def",
        "abc.def",
        "sig0",
    }


def test_whatever_came_from_the_environment_is_secret(tmp_path: Path) -> None:
    (tmp_path / "seatrial.toml").write_text('app = "a:b"\n[config]\nHARMLESS_NAME = "env:X"')
    assert secrets(load(tmp_path, environ={"X": "some value"})) == {"some value"}
