"""What of all gates is run: `--only` and `--skip` speak of rule families, rule codes and tools alike."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial import rules
from seatrial.config import Settings
from seatrial.model.errors import ConfigurationError

TOOLS = ("ruff", "mypy", "bandit", "pytest")


@dataclass(frozen=True, slots=True)
class Selection:
    """Rule codes and tools that run; `whole` when nothing was left out by hand."""

    rules: tuple[str, ...]
    tools: tuple[str, ...]
    whole: bool

    @classmethod
    def parse(cls, only: str, skip: str, settings: Settings) -> Selection:
        """Raises ConfigurationError that names every word it does not know."""
        codes = [rule.code for rule in rules.registered() if not rule.passive and not rule.command]
        known = {*codes, *(code[:3] for code in codes), *TOOLS}
        wanted, unwanted = _words(only), _words(skip)
        elsewhere = {rule.code for rule in rules.registered() if rule.passive}
        if named := sorted(word for word in wanted | unwanted if any(word in (code, code[:3]) for code in elsewhere)):
            raise ConfigurationError(
                f"--only/--skip: {', '.join(named)} is judged on your own tests alone: run pytest --seatrial-passive"
            )
        commands = {rule.code: rule.command for rule in rules.registered() if rule.command}
        if measured := sorted(word for word in wanted | unwanted if word in commands):
            raise ConfigurationError(
                f"--only/--skip: {', '.join(measured)} is judged by a command of its own: "
                f"run {', '.join(f'seatrial {name}' for name in sorted({commands[code] for code in measured}))}"
            )
        if unknown := [word for word in (*wanted, *unwanted) if word not in known]:
            raise ConfigurationError(
                f"--only/--skip: {', '.join(unknown)} is no rule family, rule or tool; "
                f"there are {', '.join(sorted({code[:3] for code in codes}))} and {', '.join(TOOLS)} (`seatrial rules`)"
            )

        def runs(name: str) -> bool:
            names = {name, name[:3]} if name in codes else {name}
            return (not wanted or bool(names & wanted)) and not names & unwanted

        levels = {tool: getattr(settings.gates, tool) for tool in TOOLS}
        return cls(
            rules=tuple(code for code in codes if runs(code) and settings.rules.get(code) != "off"),
            tools=tuple(tool for tool in TOOLS if runs(tool) and levels[tool] != "off"),
            whole=not wanted and not unwanted,
        )

    def arguments(self, route: str | None) -> list[str]:
        """Options for the plugin."""
        found = [] if self.whole else ["--seatrial-only", ",".join(self.rules)]
        return [*found, "--seatrial-route", route] if route else found


def _words(text: str) -> set[str]:
    words = {word.strip() for word in text.split(",") if word.strip()}
    return {word.lower() if word.lower() in TOOLS else word.upper() for word in words}
