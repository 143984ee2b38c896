"""One of everything: the seed callable, or the app's own CLI command."""

import importlib
import inspect
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from seatrial.model.errors import ConfigurationError
from seatrial.target.factory import told
from seatrial.target.living import living


def sow(app: Flask, seed: str) -> list[str]:
    """Run `package.module:callable`, or `flask NAME ARGS…` through the app's own CLI.

    A callable gets the app, or nothing where it takes nothing. Returns what a command said last: many say what they
    missed and end as if all were well.

    Raises:
        ConfigurationError: It does not exist, or failed; says where.
    """
    with _nothing_left_open():
        return _sown(app, seed)


def _sown(app: Flask, seed: str) -> list[str]:
    words = shlex.split(seed)
    if words[0] == "flask":
        result = app.test_cli_runner().invoke(args=words[1:])
        last = next((line for line in reversed(result.output.splitlines()) if line.strip()), "nothing")
        if result.exit_code != 0:
            raise ConfigurationError(
                f"seed: `{seed}` ended with {result.exit_code}: {last.strip()[:200]}; "
                'correct the command, or write a callable and name it as seed = "package.module:function"'
            )
        return [f"`{seed}` said: {last.strip()[:200]}"]
    function = _imported(seed)
    try:
        with app.app_context():
            function(*([app] if _takes_one(function) else []))
    except Exception as error:
        raise ConfigurationError(f"seed: {seed} failed: {told(error)}") from None
    except SystemExit as error:
        raise ConfigurationError(f"seed: {seed} called sys.exit({error.code!r}); let it return instead") from None
    return []


@contextmanager
def _nothing_left_open() -> Iterator[None]:
    """A script that builds an app of its own has engines of its own, and what they leave open forbids a clone."""
    sessions, engines = living(Session), living(sa.Engine)  # kept: else what comes later could have their ids
    known = {id(one) for one in (*sessions, *engines)}
    try:
        yield
    finally:
        for session in living(Session):
            if id(session) not in known:
                session.close()
        for engine in living(sa.Engine):
            if id(engine) not in known:
                engine.dispose()


def _imported(seed: str) -> Callable[..., Any]:
    module_name, _, attribute = seed.partition(":")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"seed: {seed} could not be imported ({error}); write it as package.module:function"
        ) from None
    except Exception as error:  # a script may build an app of its own while it is imported
        raise ConfigurationError(f"seed: importing {module_name} failed: {told(error)}") from None
    except SystemExit as error:
        raise ConfigurationError(
            f"seed: importing {module_name} called sys.exit({error.code!r}); let it end without"
        ) from None
    return found


def _takes_one(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # written in C: nothing tells
        return True
    return any(one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD, one.VAR_POSITIONAL) for one in parameters)
