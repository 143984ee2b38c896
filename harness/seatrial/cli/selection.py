"""What of all gates is run: `--only` and `--skip` speak of rule families, rule codes and tools alike."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial import rules
from seatrial.config import Settings
from seatrial.model.errors import ConfigurationError
from seatrial.model.rules import NO_GUARD

TOOLS = ("ruff", "mypy", "bandit", "pytest")


@dataclass(frozen=True, slots=True)
class Selection:
    """Rule codes and tools that run; `whole` when nothing was left out by hand."""

    rules: tuple[str, ...]
    """Those that guards ask of the app."""
    static: tuple[str, ...]
    """Those that are asked of its source."""
    tools: tuple[str, ...]
    whole: bool

    @classmethod
    def parse(cls, only: str, skip: str, settings: Settings, *, static: bool = False) -> Selection:
        """`static`: nothing that needs the app. Raises ConfigurationError that names every word it does not know."""
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
        of_source = {rule.code for rule in rules.registered() if rule.static}
        chosen = [code for code in codes if runs(code) and settings.rules.get(code) != "off"]
        if static and wanted and not any(code in of_source for code in chosen) and not wanted & {*TOOLS} - {"pytest"}:
            raise ConfigurationError("--static: what --only names needs the app; leave --static out")
        return cls(
            rules=() if static else tuple(code for code in chosen if code not in of_source),
            static=tuple(code for code in chosen if code in of_source),
            tools=tuple(t for t in TOOLS if runs(t) and levels[t] != "off" and not (static and t == "pytest")),
            whole=not wanted and not unwanted,
        )

    @property
    def needs_map(self) -> bool:
        """Whether a selected rule is the surer for the url map of the built app."""
        return any(code.startswith("ARC") for code in self.static)

    def arguments(self, route: str | None, time_budget_s: float | None = None, fault: str | None = None) -> list[str]:
        """Options for the plugin."""
        found = [] if self.whole else ["--seatrial-only", ",".join(self.rules) or NO_GUARD]
        found += ["--seatrial-route", route] if route else []
        found += ["--seatrial-time-budget", str(time_budget_s)] if time_budget_s is not None else []
        return [*found, "--seatrial-fault", fault] if fault else found


def _words(text: str) -> set[str]:
    words = {word.strip() for word in text.split(",") if word.strip()}
    return {word.lower() if word.lower() in TOOLS else word.upper() for word in words}
