"""Import the app's module and get the app out of its factory, whatever shape the factory has."""

import importlib
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from seatrial.config import Settings
from seatrial.model.errors import ConfigurationError

_CONFIG_NAMES = re.compile(r"conf|settings|overrides|options", re.IGNORECASE)
_CLASS_NAMES = re.compile(r"class|object|cls", re.IGNORECASE)
_NAME_NAMES = re.compile(r"name|env|mode|profile", re.IGNORECASE)


def load(settings: Settings, folder: Path, config: Mapping[str, Any]) -> tuple[Flask, list[str]]:
    """The built app, and sentences about choices made.

    Raises:
        ConfigurationError: The module, the attribute or the call failed; says where in the target's own code.
    """
    notes: list[str] = []
    module, found = locate(settings, folder)
    module_name = settings.app.partition(":")[0]
    origin = getattr(module, "__file__", None)
    if origin and not Path(origin).resolve().is_relative_to(folder.resolve()):
        notes.append(
            f"{module_name} was imported from an installed package, not from the working copy: "
            "findings may name lines of another version"
        )
    app: Any
    if isinstance(found, Flask):
        app = found
    elif callable(found):
        app = _call(found, settings, folder, config)
    else:
        raise ConfigurationError(
            f"app: {settings.app} is a {type(found).__name__}, neither a Flask app nor a factory; "
            'name one as app = "package.module:create_app"'
        )
    if not isinstance(app, Flask):
        inner = getattr(app, "app", None) or getattr(app, "wsgi_app", None)
        if isinstance(inner, Flask):
            return inner, [*notes, f"{settings.app} returned a {type(app).__name__}; the Flask app inside it is tried"]
        raise ConfigurationError(
            f"app: {settings.app} returned a {type(app).__name__}, not a Flask app; name the factory that returns one"
        )
    return app, notes


def locate(settings: Settings, folder: Path) -> tuple[Any, Any]:
    """The module and the attribute that `app` names, without calling anything. Raises ConfigurationError."""
    for entry in (folder / "src", folder):
        if entry.is_dir() and str(entry) not in sys.path:
            sys.path.insert(0, str(entry))
    module_name, _, attribute = settings.app.partition(":")
    module = _import(module_name, folder)
    return module, _attribute(module, attribute or "app")


def _import(name: str, folder: Path) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(missing + "."):
            raise ConfigurationError(
                f"app: there is no module {name!r} in the project or its environment; "
                'name one that exists as app = "package.module:factory", or install the project'
            ) from None
        raise ConfigurationError(
            f"app: importing {name} needs the package {missing!r}{_where(error, folder)}; "
            "install the app's requirements into the environment that runs Seatrial"
        ) from None
    except Exception as error:
        raise ConfigurationError(f"app: importing {name} failed: {told(error, folder)}") from None
    except SystemExit as error:
        raise ConfigurationError(
            f"app: importing {name} called sys.exit({error.code!r}){_where(error, folder)}; "
            "set what it asks for under [tool.seatrial.env]"
        ) from None


def _attribute(module: Any, path: str) -> Any:
    found = module
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            offers = [n for n, v in vars(module).items() if isinstance(v, Flask) or n.startswith(("create_", "make_"))]
            way_out = f'name it as app = "{module.__name__}:{min(offers)}"' if offers else "name one that it has"
            hint = f"; it has {', '.join(sorted(offers))}" if offers else ""
            raise ConfigurationError(f"app: {module.__name__} has no {path!r}{hint}; {way_out}") from None
    return found


def _call(factory: Callable[..., Any], settings: Settings, folder: Path, config: Mapping[str, Any]) -> Any:
    arguments, keywords = _arguments(factory, settings, config)
    try:
        return factory(*arguments, **keywords)
    except Exception as error:
        raise ConfigurationError(f"app: {settings.app} failed: {told(error, folder)}") from None
    except SystemExit as error:
        raise ConfigurationError(
            f"app: {settings.app} called sys.exit({error.code!r}){_where(error, folder)}; "
            "set what it asks for under [tool.seatrial.env]"
        ) from None


def _arguments(
    factory: Callable[..., Any], settings: Settings, config: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    given = settings.factory_argument
    kind = _guess(factory) if settings.factory == "auto" else settings.factory
    match kind:
        case "dict":
            return [dict(config)], {}
        case "kwargs":
            return [], dict(config)
        case "string":
            return [given if given is not None else settings.environment], {}
        case "class":
            return [type("TrialConfig", _base(given), dict(config))], {}
        case _:
            return [], {}


def _guess(factory: Callable[..., Any]) -> str:
    """How a factory wants its configuration, from its signature: `none` when nothing fits or is needed."""
    try:
        parameters = list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError):
        return "none"
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if not positional:
        return "kwargs" if any(p.kind is p.VAR_KEYWORD for p in parameters) else "none"
    first = positional[0]
    required = first.default is first.empty
    annotation = "" if first.annotation is first.empty else str(first.annotation)
    defaults_to_class = not required and isinstance(first.default, type)
    if defaults_to_class or "type[" in annotation or _CLASS_NAMES.search(first.name):
        # A class that the app already defaults to holds settings that a bare class of ours would lose.
        return "class" if required else "none"
    if "dict" in annotation.lower() or "Mapping" in annotation:
        return "dict"
    if isinstance(first.default, str) or "str" in annotation or _NAME_NAMES.search(first.name):
        return "string" if required else "none"
    if _CONFIG_NAMES.search(first.name) or required:
        return "dict"
    return "none"


def _base(path: str | None) -> tuple[type, ...]:
    if not path:
        return ()
    module_name, _, attribute = path.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"factory_argument: {path!r} could not be imported ({error}); write it as package.module:ConfigClass"
        ) from None
    return (found,)


def told(error: BaseException, folder: Path | None = None) -> str:
    """Type, message and the target's own line, ending with the way out."""
    way_out = "set what it needs under [tool.seatrial.env] or [tool.seatrial.config]"
    if isinstance(error, KeyError) and error.args and str(error.args[0]).isupper():
        way_out = f"set {error.args[0]} under [tool.seatrial.env]"
    if "SQLALCHEMY_DATABASE_URI" in str(error):
        way_out = 'give the app its database: SQLALCHEMY_DATABASE_URI = "{database_url}" under [tool.seatrial.config]'
    text = " ".join(str(error).split())[:300].rstrip(".")
    return f"{type(error).__name__}: {text}{_where(error, folder)}; {way_out}"


def _where(error: BaseException, folder: Path | None) -> str:
    """` at path:line` of the innermost frame that lies in the target's own files."""
    folder = folder or Path.cwd()  # a host's current directory is the working copy
    root = str(folder.resolve()) + os.sep
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        filename = os.path.realpath(frame.filename)
        # <frozen os> is no file, and a relative name would be looked for in the working copy.
        if not frame.filename.startswith("<") and filename.startswith(root):
            return f" at {Path(filename).relative_to(folder.resolve()).as_posix()}:{frame.lineno}"
    return ""
