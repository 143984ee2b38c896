"""The file that `conftest` under [tool.seatrial] names: fixtures that replace Seatrial's in hermetic runs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from seatrial.config import Settings
from seatrial.model.errors import ConfigurationError
from seatrial.plugin.collector import CONFTEST


def load(settings: Settings) -> None:
    """Import the file, under a name of ours.

    Raises:
        ConfigurationError: It cannot be imported.
    """
    if not settings.conftest:
        return
    path = settings.root / settings.conftest
    # At the end, as a helper beside the file is meant to be found and none of the target's modules to replace ours.
    sys.path += [str(folder) for folder in (settings.root, _import_root(path)) if str(folder) not in sys.path]
    sys.dont_write_bytecode = True  # nothing is written beside what is the target's
    spec = importlib.util.spec_from_file_location(CONFTEST, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[CONFTEST] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[CONFTEST]
        raise ConfigurationError(
            f"conftest: {settings.conftest} could not be imported ({type(error).__name__}: {error}); "
            f"correct it, or delete the key `conftest` under [tool.seatrial]"
        ) from error


def register(config: pytest.Config) -> None:
    """Its fixtures and hooks, after Seatrial's own: later fixtures of a name override earlier ones."""
    if CONFTEST in sys.modules:
        config.pluginmanager.register(sys.modules[CONFTEST], CONFTEST)


def _import_root(path: Path) -> Path:
    """The nearest folder above that is no package."""
    folder = path.parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder
