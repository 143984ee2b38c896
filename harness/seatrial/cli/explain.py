"""`seatrial explain CODE`: the rule's own page, offline."""

from __future__ import annotations

import difflib

import click
from rich.console import Console
from rich.markdown import Markdown

from seatrial import rules, suites
from seatrial.model.errors import ConfigurationError


@click.command(name="explain")
@click.argument("code")
def command(code: str) -> None:
    """Explain a rule: what it claims, how it is proved, how its findings are fixed."""
    wanted = code.strip()
    rule = rules.find(wanted.upper()) or next((r for r in rules.registered() if r.name == wanted.lower()), None)
    if rule is None:
        known = [name for entry in rules.registered() for name in (entry.code, entry.name)]
        near = difflib.get_close_matches(wanted.upper(), known, 1) or difflib.get_close_matches(
            wanted.lower(), known, 1
        )
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigurationError(f"there is no rule {wanted!r}{hint} (`seatrial rules` lists them)")
    page = suites.path("rules") / f"{rule.code}.md"
    Console().print(Markdown(page.read_text(encoding="utf-8")))
