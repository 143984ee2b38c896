"""The catalogue holds together: every rule has its specimens, its page, a claim of one sentence and its own name."""

import re
import sys

import pytest
from rules.cards import DOCS, EVERY_RULE, RULES, page, section
from rules.driver import CLASSES, SIGNED, SPECIMENS, STORAGE, Specimen

from seatrial import rules
from seatrial.model.deployment import DEPLOYMENT
from seatrial.model.outcomes import Level
from seatrial.model.rules import Rule
from seatrial.rules import find
from seatrial.rules.answers import RESPONSE
from seatrial.rules.registry import rule as register

SECTIONS = [
    "The claim",
    "Why it matters",
    "What the finding looks like",
    "How it is proved",
    "The fix",
    "Adopting on a legacy codebase",
    "Source",
]
LEVELS = {
    "ARC001": "warn", "ARC002": "warn", "ARC003": "block", "ARC004": "info", "ARC005": "info", "ARC006": "warn",
    "ARC007": "warn", "ARC008": "block", "ARC009": "info", "ARC010": "warn",
    "CFG001": "block", "CFG002": "block", "CFG003": "block", "CFG004": "warn", "CFG005": "warn", "CFG006": "info",
    "CKE001": "block", "CKE002": "block", "CKE003": "block", "CKE004": "info",
    "CSR001": "block", "CSR002": "block", "CSR003": "block", "CSR004": "warn",
    "ERR001": "block", "ERR002": "block", "ERR003": "warn", "ERR004": "warn", "ERR005": "block",
    "ERR006": "block",
    "HDR001": "block", "HDR002": "block", "HDR003": "warn", "HDR004": "block", "HDR005": "block", "HDR006": "block",
    "HDR007": "warn", "HDR008": "block", "HDR009": "info", "HDR010": "block", "HDR011": "block", "HDR012": "warn",
    "HDR013": "block", "HDR100": "info",
    "IDM001": "warn",
    "IDX001": "block", "IDX002": "block", "IDX003": "warn", "IDX004": "warn", "IDX005": "warn", "IDX006": "info",
    "MIG001": "block", "MIG002": "block", "MIG003": "warn", "MIG004": "warn", "MIG005": "warn",
    "LAT001": "block", "LAT002": "warn", "LAT003": "warn",
    "MEM001": "warn",
    "OAU001": "block", "OAU002": "block", "OAU003": "block", "OAU004": "block", "OAU005": "block", "OAU006": "block",
    "OAU007": "block",
    "RED001": "block", "RED002": "block",
    "RTL001": "block", "RTL002": "block", "RTL003": "block", "RTL004": "warn", "RTL005": "block", "RTL006": "block",
    "RTL007": "warn",
    "SES001": "warn", "SES002": "warn", "SES003": "warn",
    "SMK001": "block", "SMK002": "block", "SMK003": "block", "SMK004": "block", "SMK005": "block", "SMK006": "block",
    "SMK007": "block", "SMK008": "block", "SMK009": "warn", "SMK010": "block", "SMK011": "block",
    "SQL001": "block", "SQL002": "block", "SQL003": "warn", "SQL004": "warn", "SQL005": "warn", "SQL006": "block",
    "SQL007": "warn", "SQL008": "info", "SQL009": "warn",
    "TST001": "block",
    "TYP001": "block", "TYP002": "block", "TYP003": "warn", "TYP004": "warn",
    "WHK001": "block", "WHK002": "block", "WHK003": "block", "WHK004": "block", "WHK005": "warn", "WHK006": "block",
    "WHK007": "block", "WHK008": "block", "WHK009": "warn", "WHK010": "warn", "WHK011": "block",
}  # fmt: skip


def test_codes_and_levels_are_those_of_the_catalogue() -> None:
    """Codes never change meaning: a new rule is added here, an old one stays."""
    assert {rule.code: rule.level.value for rule in RULES if rule.code in LEVELS} == LEVELS


@EVERY_RULE
def test_entry(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z]{3}\d{3}", rule.code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
    assert rule.level is not Level.OFF
    assert find(rule.code) is rule
    for text in (rule.claim, rule.rationale, rule.remedy):
        assert text[0].isupper(), text
        assert text.endswith("."), text
    assert not re.search(r"[.!?] [A-Z]", rule.claim), "a claim is one sentence"
    assert rule.control
    assert rule.source
    assert "handbook" not in rule.source, "users have no handbook"


@EVERY_RULE
def test_lives_in_its_family_under_its_own_name(rule: Rule) -> None:
    module = sys.modules[rule.judge.__module__]
    assert module.__name__.startswith(f"{rules.__name__}.")
    assert (module.__doc__ or "").startswith(rule.family), "a module of rules says first which family it holds"
    assert getattr(module, rule.name.replace("-", "_")) is rule


def test_names_are_unique() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))


def test_a_code_cannot_be_taken_twice() -> None:
    taken = RULES[0]
    with pytest.raises(ValueError, match=f"{taken.code} is registered twice"):
        register(code=taken.code, name="x", level=Level.INFO, claim="", control="", rationale="", source="", remedy="")(
            lambda rule, evidence, context: rule.passed("")
        )
    assert find(taken.code) is taken


@EVERY_RULE
def test_specimens(rule: Rule) -> None:
    wanted = {"flawed.py", "sound.py", "specimen.toml"} | ({"blind.py"} if rule.control != RESPONSE else set())
    assert {path.name for path in (SPECIMENS / rule.code).iterdir() if path.is_file()} == wanted
    specimen = Specimen(rule.code, "flawed")
    settings = specimen.settings
    needed, possible = {"route", "endpoint", "subject"}, {"config", "budget", "identity", "events"}
    assert needed <= set(settings) <= needed | possible
    if rule.family == "WHK":
        assert settings["subject"] == f"webhook {settings['route'].partition(' ')[2]}"
    elif settings["subject"] == DEPLOYMENT:
        assert rule.command == "smoke"
    elif (
        rule.family not in ("CFG", "IDX", "MIG", "TST")
        and rule.code not in (CLASSES, STORAGE, SIGNED)
        and not rule.static
    ):
        assert settings["subject"] == f"{settings['route']} {settings['endpoint']} [{specimen.identity}]"


def test_no_specimen_without_a_rule() -> None:
    assert {path.name for path in SPECIMENS.iterdir()} == {rule.code for rule in RULES}


@EVERY_RULE
def test_page_has_every_section_filled_and_in_order(rule: Rule) -> None:
    text = page(rule)
    assert text.startswith(f"# {rule.code} {rule.name}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    for title in SECTIONS:
        assert len(section(text, title)) > 20, title
    assert rule.claim in section(text, "The claim")
    assert "```" in section(text, "The fix")
    assert all(len(line) <= 120 or line.lstrip().startswith(('"', "|")) for line in text.splitlines())


@EVERY_RULE
def test_page_tells_level_and_control(rule: Rule) -> None:
    text = page(rule)
    assert f"**Level: {rule.level.value}**" in text.partition("\n## ")[0]
    proof = " ".join(section(text, "How it is proved").split())
    assert "**not proved**" in proof
    assert rule.control in proof or rule.control == RESPONSE
    assert rule.source in " ".join(section(text, "Source").split())


@EVERY_RULE
def test_index_lists_the_rule(rule: Rule) -> None:
    row = f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.level.value} | {rule.claim} |"
    assert row in (DOCS / "README.md").read_text().splitlines()


def test_no_page_without_a_rule() -> None:
    assert {path.stem for path in DOCS.glob("*.md")} == {"README"} | {rule.code for rule in RULES}
