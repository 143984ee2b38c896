"""Every command and flag that the documentation writes exists, and so does every make target."""

import re
import shlex

import click
import pytest
from docs.pages import ROOT, Block, blocks, guide, job

from seatrial import rules

BLOCKS = blocks("console", "bash", "sh")
OPERATORS = {"&&", "||", "|", ";"}


def commands(block: Block) -> list[list[str]]:
    """The commands of a block as words; `$` in front marks a command where there is output as well."""
    lines = block.text.replace("\\\n", " ").splitlines()
    found: list[list[str]] = []
    for line in lines:
        command: list[str] = []
        for word in shlex.split(line.removeprefix("$ "), comments=True):
            if word in OPERATORS:
                found.append(command)
                command = []
            else:
                command.append(word)
        found.append(command)
    return [command for command in found if command]


def mistake(words: list[str]) -> str:
    """Why `seatrial WORDS` would be refused, or empty; nothing is run."""
    command: click.Command = job().group
    path = ["seatrial"]
    while isinstance(command, click.Group):
        if not words or words[0] in ("--help", "-h", "--version"):
            return ""
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return f"{' '.join(path)} has no command {words[0]}"
        command, words, path = found, words[1:], [*path, words[0]]
    try:
        # Not main(): parsed, not invoked. A folder or file of the example need not be there.
        command.make_context(" ".join(path), list(words), resilient_parsing=False)
    except click.exceptions.BadParameter as error:
        return "" if "does not exist" in error.message else error.format_message()
    except click.ClickException as error:
        return error.format_message()
    return ""


def inline() -> list[tuple[str, str]]:
    """(page, command) of every `seatrial …` in running text that gives options or arguments."""
    return [
        (page.name, code)
        for page in guide()
        for code in re.findall(r"(?<!`)`((?:flask )?seatrial [^`\n]+)`", page.read_text(encoding="utf-8"))
        if "…" not in code
    ]


def test_there_is_something_to_look_at() -> None:
    assert len(BLOCKS) > 10
    assert len(inline()) > 20


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_commands_of_blocks_exist(block: Block) -> None:
    for words in commands(block):
        program = words[0].rpartition("/")[2]
        if program == "seatrial":
            assert mistake(words[1:]) == "", words
        elif program == "make":
            assert words[1] in make_targets(), words
        elif program == "pytest":
            assert pytest_options(words) <= {line[0].strip("`").split()[0] for line in plugin_options()}, words
        else:
            assert program in ("pip", "git", "python", "export"), f"{words}: nobody checks this command"


@pytest.mark.parametrize(("page", "code"), inline())
def test_commands_in_running_text_exist(page: str, code: str) -> None:
    words = shlex.split(code.removeprefix("flask ").removeprefix("seatrial "))
    # A command may be named without what it needs to run; a command or option that is not there may not.
    assert not re.search("has no command|No such option", mistake(words))


def test_a_command_that_is_not_there_would_be_noticed() -> None:
    assert mistake(["smooth"]) == "seatrial has no command smooth"
    assert "No such option" in mistake(["check", "--bogus"])
    assert "Missing" in mistake(["baseline", "accept", "--all"])
    assert mistake(["check", "--only", "SQL"]) == ""


def test_rules_that_are_explained_exist() -> None:
    asked = re.findall(r"seatrial explain ([\w-]+)", "".join(page.read_text(encoding="utf-8") for page in guide()))
    known = {name for rule in rules.registered() for name in (rule.code, rule.name)} | {"CODE"}
    assert asked
    assert set(asked) <= known


def test_make_targets_in_running_text_exist() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in guide())
    assert set(re.findall(r"`make ([\w-]+)`", text)) <= make_targets()


def make_targets() -> set[str]:
    return set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def plugin_options() -> list[list[str]]:
    options = job()._Options()
    job().plugin.pytest_addoption(options)
    rows: list[list[str]] = options.rows
    return rows


def pytest_options(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if word.startswith("--seatrial")}
