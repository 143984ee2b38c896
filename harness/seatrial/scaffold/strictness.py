"""The block of mypy's configuration that makes it refuse definitions without types in services."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from seatrial.model.errors import ConfigurationError
from seatrial.source.mypy_config import HOMES, WANTED, configuration
from seatrial.verdict.files import write_atomic

WAY_OUT = "Run `seatrial init --mypy` where the checkout can be written."
PLUGIN = "sqlalchemy.ext.mypy.plugin"
"""Of SQLAlchemy 1.4 and 2.0, for models without `Mapped`; 2.1 ships none, and models with `Mapped` need none."""


@dataclass(frozen=True, slots=True)
class Written:
    path: Path
    why: str
    """Empty where the block was written; else why nothing had to be done."""


def write(root: Path, services: Sequence[str]) -> Written:
    """Write the block where mypy's configuration stands, else into pyproject.toml, else into a new mypy.ini.

    Raises:
        ConfigurationError: There is no service layer, or the configuration cannot be read or written.
    """
    modules = [module_of(root, path) for path in services]
    if not modules:
        raise ConfigurationError('--mypy: no folder of services was found; set services = ["app/services"] first')
    known = configuration(root)
    if known.problem:
        raise ConfigurationError(f"--mypy: {known.problem}")
    lax = [m for m in modules if not all(known.of(f"{m}.x", option)[0] for option in WANTED)]
    home = known.home or next((name for name in ("pyproject.toml",) if (root / name).is_file()), HOMES[0])
    path = root / home
    if known.home and not lax:
        return Written(path, "it already asks for both")
    for module in lax if known.home else ():
        said = next((s for s in known.sections if f"{module}.*" in s.patterns), None)
        if said is not None:  # mypy refuses two sections of one name that differ
            raise ConfigurationError(
                f"--mypy: {home} already has a section for {module}.* at line {said.line}; "
                f"write {' and '.join(f'{option} = true' for option in WANTED)} into it"
            )
    plugin = PLUGIN if not known.home and needs_plugin(root, services) else ""
    text = path.read_text("utf-8") if path.exists() else ""
    if home.endswith(".toml"):
        new = _toml(text, lax or modules, plugin, whole=not known.home)
    else:
        new = _ini(text, lax or modules, plugin, whole=not known.home)
    write_atomic(path, new, way_out=WAY_OUT)
    return Written(path, "")


def module_of(root: Path, path: str) -> str:
    """`app.services` of `app/services`."""
    inside = path.rstrip("/").removesuffix(".py")
    if inside.startswith("src/") and not (root / "src" / "__init__.py").is_file():
        inside = inside.removeprefix("src/")
    return inside.replace("/", ".")


def needs_plugin(root: Path, services: Sequence[str]) -> bool:
    """Whether models are declared in the old way, and the installed SQLAlchemy still ships what mypy needs for that."""
    try:
        shipped = importlib.util.find_spec(PLUGIN) is not None
    except (ImportError, ValueError):
        shipped = False
    if not shipped:
        return False
    tops = {path.partition("/")[0] for path in services}
    texts = [file.read_text("utf-8", "replace") for top in tops for file in sorted((root / top).rglob("*.py"))[:2000]]
    old = any("Column(" in text for text in texts)
    return old and not any("mapped_column(" in text or "Mapped[" in text for text in texts)


def _toml(text: str, modules: Sequence[str], plugin: str, *, whole: bool) -> str:
    try:
        tomlkit.parse(text)  # what is appended to must be sound
    except TOMLKitError as error:
        raise ConfigurationError(f"--mypy: pyproject.toml cannot be read ({error}); mend it") from error
    lines = [text.rstrip("\n"), ""] if text.strip() else []
    if whole:
        lines += ["[tool.mypy]", "ignore_missing_imports = true"]
        lines += [f'plugins = ["{plugin}"]'] if plugin else []
        lines.append("")
    listed = ", ".join(f'"{module}.*"' for module in modules)
    lines += ["[[tool.mypy.overrides]]", f"module = [{listed}]", *(f"{option} = true" for option in WANTED)]
    whole_text = "\n".join(lines) + "\n"
    try:
        tomlkit.parse(whole_text)
    except TOMLKitError:  # overrides as an inline array
        raise ConfigurationError(
            f"--mypy: mypy's overrides in pyproject.toml cannot be added to; write one with module = [{listed}]"
        ) from None
    return whole_text


def _ini(text: str, modules: Sequence[str], plugin: str, *, whole: bool) -> str:
    lines = [text.rstrip("\n"), ""] if text.strip() else []
    if whole and "[mypy]" not in text:
        lines += ["[mypy]", "ignore_missing_imports = True"]
        lines += [f"plugins = {plugin}"] if plugin else []
        lines.append("")
    for module in modules:
        lines += [f"[mypy-{module}.*]", *(f"{option} = True" for option in WANTED), ""]
    return "\n".join(lines).rstrip("\n") + "\n"
