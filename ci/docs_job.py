"""What of the documentation a machine can write or check.

python ci/docs_job.py               all of the following; exit code 1 where something is left for a person to do
python ci/docs_job.py reference     tables of keys, commands and options, from the code
python ci/docs_job.py picture       docs/img/check.svg, from a real run on the legacy example app
python ci/docs_job.py links         relative links and anchors of every Markdown file
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import api_tables
import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rich.console import Console
from rich.text import Text

from seatrial import plugin
from seatrial.cli import group
from seatrial.config import settings, shapes
from seatrial.model.evidence import Limits

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "img" / "check.svg"
BLOCK = re.compile(r"(<!-- generated: (?P<name>[^\n]+?) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)
LEFT = "…"
"""Stands in a hand-written cell until somebody fills it in; the job fails meanwhile."""

TABLES: Mapping[str, type[BaseModel]] = {
    "top": settings.Tables,
    "sweep and protection": settings.Overrides,
    "database": settings.Database,
    "identities": settings.Identity,
    "outbound": settings.Outbound,
    "oauth": settings.OAuth,
    "webhooks": settings.Webhook,
    "growth": settings.Growing,
    "idempotency": settings.Idempotency,
    "indexes": settings.Index,
    "migrations": settings.Migrations,
    "gates": settings.Gates,
    "limits": settings.LimitTable,
    "deadlines": settings.Deadlines,
    "smoke": settings.Smoke,
    "smoke routes": settings.SmokeRoute,
}
WORDS: Sequence[tuple[object, str]] = (
    (shapes.Target, "`module:name`"),
    (shapes.Seed, "`module:callable` or `flask COMMAND`"),
    (shapes.RoutePath, "path of the app"),
    (shapes.Inside, "path in the project"),
    (shapes.RouteKey, "`METHOD /rule`"),
    (shapes.RoutePattern, "pattern of routes"),
    (shapes.Column, "`table.column`"),
    (shapes.RuleCode, "rule code"),
    (shapes.IdentityName, "name"),
    (shapes.Url, "web address"),
    (shapes.DatabaseUrl, "`embedded`, `sqlite` or a URL"),
    (shapes.RuleLevel, "`block`, `warn`, `info`, `off`"),
    (shapes.GateLevel, "`block`, `warn`, `off`"),
    (shapes.Scalar, "text or number"),
    (shapes.UserId, "text or whole number"),
    (shapes.Positive, "number above 0"),
    (shapes.Count, "whole number from 1"),
    (shapes.Status, "whole number, 100 to 599"),
    (shapes.SomePaths, "list: path in the project"),
    (shapes.SomeColumns, "list: text"),
    (str, "text"),
    (bool, "true or false"),
    (int, "whole number"),
    (float, "number"),
    (Any, "anything"),
)


# ---------------------------------------------------------------------- keys of the configuration
def words(annotation: object) -> str:
    """A type as a reader of TOML would call it.

    Raises:
        LookupError: A new type; give it a name in WORDS.
    """
    for known, name in WORDS:
        if annotation == known:
            return name
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        checks = {getattr(getattr(check, "func", None), "__name__", "") for check in inner[1:]}
        return f"{words(inner[0])}, or one alone" if "one_or_more" in checks else words(inner[0])
    if origin in (Union, UnionType):
        return " or ".join(words(one) for one in inner if one is not NoneType)
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inner)
    if origin is list:
        return "tables" if _is_table(inner[0]) else f"list: {words(inner[0])}"
    if origin is dict:
        return "table" if inner[1] is Any else f"table: {words(inner[1])}"
    if _is_table(annotation) or annotation is Limits:
        return "table"
    raise LookupError(f"docs job: {annotation!r} has no name; add one to WORDS in ci/docs_job.py")


def of_field(field: FieldInfo) -> str:
    """The type of a key. pydantic takes bounds out of the annotation; a table is a table whatever checks it."""
    if field.annotation is Limits:
        return "table"
    for known, name in WORDS:
        bare = get_args(known)[:1]
        if bare == (field.annotation,) and field.metadata and field.metadata == _metadata(known):
            return name
    return words(field.rebuild_annotation())


def key_rows(model: type[BaseModel]) -> list[tuple[str, str, str]]:
    """(key, type, default) of every key of a table."""
    return [
        (f"`{field.alias or name}`", of_field(field), _default(field)) for name, field in model.model_fields.items()
    ]


def key_table(model: type[BaseModel], before: str) -> str:
    """The table of keys. Example and meaning are hand-written: they are taken over from the table that stands there."""
    kept = {cells[0]: cells[3:] for cells in map(_cells, before.splitlines()) if len(cells) == 5}
    rows = [[*row, *kept.get(row[0], [LEFT, LEFT])] for row in key_rows(model)]
    return _table(["key", "type", "default", "example", "meaning"], rows)


def _metadata(annotation: object) -> list[Any]:
    class Probe(BaseModel):
        value: annotation  # type: ignore[valid-type]

    return Probe.model_fields["value"].metadata


def _is_table(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    match value:
        case None | "":
            return "none"
        case BaseModel() | Limits():
            return "see below"
        case str():
            return f'`"{value}"`'
        case list():
            return "`[" + ", ".join(f'"{one}"' for one in value) + "]`"
        case dict():
            return "`{}`"
        case _:
            return f"`{value}`"


# ---------------------------------------------------------------------- commands and options
def commands() -> dict[str, click.Command]:
    """Every command by its words after `seatrial`; groups come before what is in them."""
    return dict(_commands(group, ""))


def _commands(parent: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(parent)
    for name in parent.list_commands(context):
        command = parent.get_command(context, name)
        assert command is not None, name
        yield f"{path}{name}", command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path}{name} ")


def command_text(path: str) -> str:
    command = commands()[path]
    context = click.Context(command, info_name=f"seatrial {path}")
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [
        f"```text\nseatrial {path} {usage}\n```\n",
        textwrap.fill(" ".join((command.help or "").split()), 118) + "\n",
    ]
    rows = [
        [f"`{option}`", f"{meaning}{' Required.' if param.required and 'required' not in meaning.lower() else ''}"]
        for param in command.params
        if isinstance(param, click.Option)
        for option, meaning in [_option(param, context)]
    ]
    if rows:
        parts.append(_table(["option", "meaning"], rows))
    return "\n".join(parts)


def _option(param: click.Option, context: click.Context) -> tuple[str, str]:
    record = param.get_help_record(context)
    assert record is not None, param.name
    meaning = " ".join((param.help or "").split()).replace("|", "\\|")
    return record[0].replace("|", ", "), meaning


class _Options:
    """Takes the place of pytest's parser and group, and notes what the plugin adds."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []

    def getgroup(self, *_: str) -> "_Options":
        return self

    def addoption(self, name: str, *, help: str, metavar: str = "", **_: object) -> None:
        self.rows.append([f"`{name}{' ' + metavar if metavar else ''}`", help[:1].upper() + help[1:] + "."])


def pytest_options() -> str:
    options = _Options()
    plugin.pytest_addoption(options)  # type: ignore[arg-type]
    return _table(["option", "meaning"], options.rows)


# ---------------------------------------------------------------------- generated blocks
def generated(name: str, before: str) -> str:
    """The text of one block.

    Raises:
        LookupError: Nothing is generated under that name.
    """
    kind, _, rest = name.partition(" ")
    if kind == "keys" and rest in TABLES:
        return key_table(TABLES[rest], before)
    if kind == "command" and rest in commands():
        return command_text(rest)
    if kind == "api" and rest in api_tables.PUBLIC:
        rows = api_tables.names_of(rest)
        return _table(["name", "kind", "what it is"], [[f"`{one}`", what, said] for one, what, said in rows])
    if name == "pytest options":
        return pytest_options()
    if name == "pytest fixtures":
        return _table(["fixture", "use"], [[f"`{one}`", said] for one, said in api_tables.fixtures().items()])
    raise LookupError(f"docs job: nothing is generated under the name {name!r}")


def fresh(text: str) -> str:
    """A page with every block generated anew."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{generated(found['name'], found['body'])}\n{found[4]}", text)


def reference(*, write: bool = True) -> list[str]:
    """Bring the blocks up to date. Returns what is stale (when not writing), missing, or left for a person."""
    problems: list[str] = []
    seen: set[str] = set()
    for page in sorted((ROOT / "docs").glob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = fresh(before)
        seen.update(found["name"] for found in BLOCK.finditer(after))
        name = page.relative_to(ROOT)
        if write and after != before:
            page.write_text(after, encoding="utf-8")
            print(f"docs job: {name} written")
        elif after != before:
            problems.append(f"{name}: generated tables are stale; run make docs")
        for found in BLOCK.finditer(after):
            if found["name"].startswith("keys "):
                empty = [cells[0] for cells in map(_cells, found["body"].splitlines()) if LEFT in cells[3:]]
                problems += [f"{name}: {key} has no example or no meaning; write them into the table" for key in empty]
    wanted = {f"keys {table}" for table in TABLES} | {f"command {path}" for path in commands()}
    wanted |= {f"api {module}" for module in api_tables.PUBLIC} | {"pytest options", "pytest fixtures"}
    return problems + [f"docs: no page has a block <!-- generated: {one} -->" for one in sorted(wanted - seen)]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else []


# ---------------------------------------------------------------------- links
def pages() -> list[Path]:
    """Every Markdown file of the repository, folders with a dot and build folders aside."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in ("build", "node_modules")]
        found += [Path(folder, name) for name in names if name.endswith(".md")]
    return sorted(found)


def links() -> list[str]:
    """Relative links that lead nowhere, as `page: link`."""
    return [f"{page.relative_to(ROOT)}: {target} leads nowhere" for page in pages() for target in _dead(page)]


def _dead(page: Path) -> Iterator[str]:
    for target in targets(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        found = file.exists() and file.is_relative_to(ROOT)
        if found and anchor:
            found = file.suffix == ".md" and anchor in anchors(file.read_text(encoding="utf-8"))
        if not found:
            yield target


def targets(text: str) -> Iterator[str]:
    prose = re.sub(r"`[^`\n]*`", "``", _without_code(text))
    for found in re.finditer(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|(?:src|href)=\"([^\"]+)\"", prose):
        yield found[1] or found[2]
    yield from re.findall(r"^\[[^\]]+\]:\s*(\S+)", prose, re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", _without_code(text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number, name = 0, slug
        while name in found:
            number += 1
            name = f"{slug}-{number}"
        found.add(name)
    return found


def _without_code(text: str) -> str:
    return re.sub(r"^(```+|~~~+).*?^\1\s*$", "", text, flags=re.DOTALL | re.MULTILINE)


# ---------------------------------------------------------------------- the picture
COLUMNS = 88
COMMAND = "seatrial check --config legacy.toml"
SHOWN = ("SQL006", "SQL003")
"""Rules whose findings are in the picture, in the order of the report; the others are counted."""
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_TIME = re.compile(r"\d+(\.\d+)? (s|ms)\b")
_DIM = "\x1b[2m  {}\x1b[0m"


def picture() -> list[str]:
    """Run the check on a copy of the legacy app and draw what it says. A run that differs in times only is not drawn
    again."""
    drawn = draw(cut(_run()))
    before = PICTURE.read_text(encoding="utf-8") if PICTURE.exists() else ""
    if _TIME.sub("", re.sub("&#160;", " ", drawn)) != _TIME.sub("", re.sub("&#160;", " ", before)):
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(drawn, encoding="utf-8")
        print(f"docs job: {PICTURE.relative_to(ROOT)} written")
    return []


def _run() -> str:
    with tempfile.TemporaryDirectory(prefix="seatrial-docs-") as folder:
        target = Path(folder) / "stockroom"
        shutil.copytree(ROOT / "examples" / "stockroom", target, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        environment = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR")}
        environment |= {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
        done = subprocess.run(
            [Path(sys.executable).parent / "seatrial", *COMMAND.split()[1:]],
            cwd=target,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
    if done.returncode != 1:
        raise SystemExit(f"docs job: {COMMAND} ended with {done.returncode} instead of 1\n{done.stderr[-2000:]}")
    return done.stdout


def cut(report: str) -> list[str]:
    """The interesting part of a report: its head, the findings of SHOWN, the verdict; what is left out is said.

    Raises:
        SystemExit: A rule of SHOWN is not in the report.
    """
    blocks = [block.split("\n") for block in re.split(r"\n{2,}", report.strip("\n"))]
    plain = [[_ANSI.sub("", line).rstrip() for line in block] for block in blocks]
    end = next(index for index in reversed(range(len(plain))) if re.fullmatch("─+", plain[index][0]))
    kept: list[list[str]] = [[f"\x1b[1m$ {COMMAND}\x1b[0m"], blocks[0]]
    left_out, sections, seen = 0, [], []
    for block, lines in zip(blocks[1:end], plain[1:end], strict=True):
        title = re.match(r"([A-Z][a-z]+(?: [a-z]+)?) (?:.* )?─+$", lines[0])
        code = lines[0].partition(" ")[0]
        if title and title[1] in ("Blocking", "Warnings"):
            kept, left_out = _said(kept, left_out), 0
            kept.append(block)
        elif title:
            sections.append(title[1])
        elif code in SHOWN:
            kept.append(block)
            seen.append(code)
        elif not sections and len(kept) > 2:
            left_out += 1
    kept = _said(kept, left_out)
    if missing := [code for code in SHOWN if code not in seen]:
        raise SystemExit(f"docs job: {', '.join(missing)} found nothing on the legacy app; mend SHOWN")
    kept.append([_DIM.format(f"… then: {', '.join(section.lower() for section in sections)}")])
    kept += blocks[end:]
    return "\n\n".join("\n".join(block) for block in kept).split("\n")


def _said(kept: list[list[str]], left_out: int) -> list[list[str]]:
    return [*kept, [_DIM.format(f"… and {left_out} more rules")]] if left_out else kept


def draw(lines: Sequence[str]) -> str:
    """An SVG without anything from elsewhere: no fonts to fetch, and the same identifiers each time."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, highlight=False)
        for line in lines:
            console.print(Text.from_ansi(line), soft_wrap=True)
    svg = console.export_svg(title=COMMAND, unique_id="seatrial")
    svg = re.sub(r"\s*@font-face \{.*?\}\n", "\n", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


# ----------------------------------------------------------------------
JOBS: Mapping[str, Callable[[], list[str]]] = {"reference": reference, "picture": picture, "links": links}


def main(names: Sequence[str]) -> int:
    if unknown := [name for name in names if name not in JOBS]:
        raise SystemExit(f"docs job: unknown job {unknown[0]}; there are {', '.join(JOBS)}")
    try:
        problems = [problem for name in names or JOBS for problem in JOBS[name]()]
    except LookupError as error:
        raise SystemExit(str(error)) from error
    for problem in problems:
        print(problem)
    print(f"docs job: {len(problems)} problems" if problems else "docs job: nothing left to do")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
