"""One of everything: the seed callable, or the app's own CLI command."""

import importlib
import shlex

from flask import Flask

from seatrial.model.errors import ConfigurationError
from seatrial.target.factory import told


def sow(app: Flask, seed: str) -> list[str]:
    """Run `package.module:callable` with the app, or `flask NAME ARGS…` through the app's own CLI.

    Returns what a command said last: many say what they missed and end as if all were well.

    Raises:
        ConfigurationError: It does not exist, or failed; says where.
    """
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
    module_name, _, attribute = seed.partition(":")
    try:
        function = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"seed: {seed} could not be imported ({error}); write it as package.module:function"
        ) from None
    try:
        with app.app_context():
            function(app)
    except Exception as error:
        raise ConfigurationError(f"seed: {seed} failed: {told(error)}") from None
    except SystemExit as error:
        raise ConfigurationError(f"seed: {seed} called sys.exit({error.code!r}); let it return instead") from None
    return []
