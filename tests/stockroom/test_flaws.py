"""FLAWS.md is exactly what a check of the legacy app finds; the hardened app has none of it."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from stockroom.runs import EXAMPLE, check, copy_to, found_at, table

from seatrial.rules import registered

TOOLS = ("ruff:", "bandit:")
CODES = {rule.code for rule in registered() if not rule.passive and not rule.command}
WAITING = "(seen once the limiter is on)"
LEVELS = ("block", "warn", "info")
LIMITER = "config RATELIMIT_ENABLED"
LIMITS = ("--only", "RTL", "--skip", "ruff,mypy,bandit,pytest")
EVERY = {"every judged route": 20, "every blueprint": 10}
"""How many must have been judged at least for the word to mean something."""
NOWHERE = {"WHK005"}
"""Its webhook makes no calls: the specimen shows this one."""
REPAIRS = tomllib.loads((EXAMPLE / "repairs.toml").read_text())["repair"]


@pytest.fixture(scope="module")
def slow(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What `make test` leaves to the matrix here.

    LAT and MEM call a page for as long as a statistic needs; webhooks and keys, broken at every crash point, are a
    third of the rest.
    """
    return ("LAT", "MEM", "WHK", "IDM") if request.config.getoption("-m") == "not matrix" else ()


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory, slow: tuple[str, ...]) -> dict[str, Any]:
    root = copy_to(tmp_path_factory.mktemp("legacy") / "stockroom")
    return check(root, "--config", "legacy.toml", "--skip", ",".join(["mypy", *slow]), expected=(1,))


@pytest.fixture(scope="module")
def hardened(tmp_path_factory: pytest.TempPathFactory, slow: tuple[str, ...]) -> dict[str, Any]:
    root = copy_to(tmp_path_factory.mktemp("hardened") / "stockroom")
    return check(root, "--skip", ",".join(["mypy", "pytest", *slow]), expected=(0,))


def listed(result: dict[str, Any], heading: str, slow: tuple[str, ...]) -> set[tuple[str, str]]:
    """What FLAWS.md promises for the rules that exist, with `every judged route` and `every blueprint` spelled out."""
    promised = set()
    for code, subject, _, flaw in table(EXAMPLE / "FLAWS.md", heading):
        if (code not in CODES and not code.startswith(TOOLS)) or flaw.endswith(WAITING) or code.startswith(slow):
            continue
        if subject not in EVERY:
            promised.add((code, subject))
            continue
        judged = {c["subject"] for c in result["checks"] if c["rule"] == code and c["outcome"] in ("pass", "fail")}
        assert len(judged) > EVERY[subject], f"{code} judged hardly anything"
        promised |= {(code, subject) for subject in judged}
    return promised


def test_flaws_lists_exactly_the_blocking_findings_of_the_legacy_app(
    legacy: dict[str, Any], slow: tuple[str, ...]
) -> None:
    promised, found = listed(legacy, "Blocking", slow), found_at(legacy, "block")
    assert sorted(found - promised) == []
    assert sorted(promised - found) == []


def test_flaws_lists_exactly_its_warnings_and_information(legacy: dict[str, Any], slow: tuple[str, ...]) -> None:
    promised, found = listed(legacy, "Warnings and information", slow), found_at(legacy, "warn", "info")
    assert sorted(found - promised) == []
    assert sorted(promised - found) == []


@pytest.mark.matrix
def test_both_lists_hold_for_a_check_of_every_family(legacy: dict[str, Any], slow: tuple[str, ...]) -> None:
    assert slow == ()
    test_flaws_lists_exactly_the_blocking_findings_of_the_legacy_app(legacy, slow)
    test_flaws_lists_exactly_its_warnings_and_information(legacy, slow)


@pytest.mark.matrix
def test_the_hardened_app_holds_for_a_check_of_every_family(hardened: dict[str, Any], slow: tuple[str, ...]) -> None:
    assert slow == ()
    test_the_hardened_app_has_no_findings_and_breaks_nothing(hardened)
    test_every_rule_passes_somewhere_on_the_hardened_app(hardened, slow)
    test_what_is_not_proved_on_the_hardened_app_was_reviewed(hardened)


def waiting() -> set[tuple[str, str]]:
    """What FLAWS.md promises of the legacy app once its limiter is on."""
    rows = [row for name in ("Blocking", "Warnings and information") for row in table(EXAMPLE / "FLAWS.md", name)]
    return {(code, subject) for code, subject, _, flaw in rows if flaw.endswith(WAITING) and code in CODES}


def test_flaws_lists_exactly_what_the_limits_show_once_they_are_on(limited: dict[str, Any]) -> None:
    found = found_at(limited, *LEVELS)
    assert sorted(found - waiting()) == []
    assert sorted(waiting() - found) == []


def test_limits_that_are_off_are_not_proved(legacy: dict[str, Any]) -> None:
    said = {c["outcome"]: c["reason"] for c in legacy["checks"] if c["rule"] == "RTL002"}
    assert set(said) == {"not_proved"}
    assert "RATELIMIT_ENABLED = False" in said["not_proved"]


def test_the_legacy_run_broke_nothing(legacy: dict[str, Any]) -> None:
    assert legacy["outcomes"]["broken"] == 0
    assert legacy["broken"] == []
    assert {row["status"] for row in legacy["routes"]} >= {200, 302}


def test_the_hardened_app_has_no_findings_and_breaks_nothing(hardened: dict[str, Any]) -> None:
    assert hardened["findings"] == []
    assert (hardened["outcomes"]["fail"], hardened["outcomes"]["broken"]) == (0, 0)


def test_every_rule_passes_somewhere_on_the_hardened_app(hardened: dict[str, Any], slow: tuple[str, ...]) -> None:
    passed = {check["rule"] for check in hardened["checks"] if check["outcome"] == "pass"}
    assert sorted(code for code in CODES - passed - NOWHERE if not code.startswith(slow)) == []


def test_what_is_not_proved_on_the_hardened_app_was_reviewed(hardened: dict[str, Any]) -> None:
    reviewed = {
        (rule.strip(), subject)
        for subject, rules, _reason in table(EXAMPLE / "NOT_PROVED.md", "Reviewed")
        for rule in rules.split(",")
    }
    found = {(c["rule"], c["subject"]) for c in hardened["checks"] if c["outcome"] == "not_proved"}
    assert sorted(found - reviewed) == []
    assert sorted(reviewed - found) == []


def applied(repair: dict[str, Any], folder: Path, *more: dict[str, Any]) -> Path:
    root = copy_to(folder / "stockroom")
    for each in (*more, repair):
        file = root / each["file"]
        text = file.read_text()
        for old, new in zip(several(each["old"]), several(each["new"]), strict=True):
            assert text.count(old) == 1, f"{each['rule']}: the text to replace must be unique in {file.name}"
            text = text.replace(old, new)
        file.write_text(text)
    return root


def several(texts: str | list[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else texts


def test_all_repairs_can_be_applied_together(tmp_path: Path) -> None:
    *more, last = REPAIRS
    root = applied(last, tmp_path, *more)
    for file in {repair["file"] for repair in REPAIRS if repair["file"].endswith(".py")}:
        compile((root / file).read_text(), file, "exec")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The legacy app with its limiter on: what the rules of limits say."""
    root = applied(limiter_on(), tmp_path_factory.mktemp("limited"))
    return check(root, "--config", "legacy.toml", *LIMITS, expected=(1,))


def limiter_on() -> dict[str, Any]:
    [repair] = [repair for repair in REPAIRS if repair["subject"] == LIMITER]
    return repair


def family(rule: str) -> str:
    return rule[:3] if rule in CODES else rule.partition(":")[0]


def first_of_each_family() -> list[dict[str, Any]]:
    """And every one about limits, which are judged quickly once the limiter is on."""
    found: dict[str, dict[str, Any]] = {}
    for repair in REPAIRS:
        found.setdefault(family(repair["rule"]), repair)
    return [*found.values(), *(repair for repair in REPAIRS if repair["rule"].startswith("RTL"))]


ALONE = [repair for repair in REPAIRS if repair in first_of_each_family() or repair["subject"] == LIMITER]
"""A whole check takes two minutes of a processor: those of one family do not each need their own."""
TOGETHER = [[r for r in REPAIRS if r not in ALONE][n::6] for n in range(6)]


def title(repair: dict[str, Any]) -> str:
    return f"{repair['rule']} {repair['subject']}"


@pytest.mark.matrix
@pytest.mark.parametrize("repair", ALONE, ids=title)
def test_a_repair_removes_its_finding_and_no_other(
    repair: dict[str, Any], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if repair["rule"].startswith("RTL"):  # judged once the limiter is on
        legacy, root, options = request.getfixturevalue("limited"), applied(repair, tmp_path, limiter_on()), LIMITS
    else:
        legacy, root, options = request.getfixturevalue("legacy"), applied(repair, tmp_path), quick([repair])
    repaired = check(root, "--config", "legacy.toml", *options, expected=(0, 1))
    judged([repair], fingerprints(legacy, options), fingerprints(repaired, options))


@pytest.mark.matrix
@pytest.mark.parametrize("repairs", TOGETHER, ids=lambda repairs: f"{title(repairs[0])} and {len(repairs) - 1} more")
def test_repairs_remove_their_findings_and_no_other(
    repairs: list[dict[str, Any]], legacy: dict[str, Any], tmp_path: Path
) -> None:
    *more, last = repairs
    root = applied(last, tmp_path, *more)
    options = quick(repairs)
    repaired = check(root, "--config", "legacy.toml", *options, expected=(0, 1))
    judged(repairs, fingerprints(legacy, options), fingerprints(repaired, options))


def quick(repairs: list[dict[str, Any]]) -> tuple[str, str]:
    """What the repairs are not about, and calls a page for as long as a statistic needs, is left out."""
    about = {rule for repair in repairs for rule in (repair["rule"], *repair.get("also", ()))}
    slow = {"LAT", "MEM"} - {family(rule) for rule in about}
    return "--skip", ",".join(["mypy", *sorted(slow)])


def judged(repairs: list[dict[str, Any]], before: set[tuple[str, str, str]], after: set[tuple[str, str, str]]) -> None:
    """What is gone is what the repairs promise, and what is new is what they say they show."""
    gone = {(rule, subject) for rule, subject, _ in before - after}
    promised: set[tuple[str, str]] = set()
    shown: set[tuple[str, str]] = set()
    for repair in repairs:
        if repair["subject"] in EVERY:
            own = {(rule, subject) for rule, subject in gone if rule == repair["rule"]}
            assert own, f"{title(repair)}: nothing is gone"
            # A cookie of another name keeps its own finding.
            assert len({subject for rule, subject, _ in after if rule == repair["rule"]}) <= 1
            promised |= own
        else:
            seen = CODES.intersection(repair.get("also", ())) | {repair["rule"]}
            promised |= {(rule, repair["subject"]) for rule in seen}
            promised |= {(rule, subject) for rule, subject in repair.get("with_it", ()) if rule in CODES}
        shown |= (
            waiting()
            if repair["subject"] == LIMITER
            else {(rule, subject) for rule, subject in repair.get("shows", ())}
        )
    assert sorted(gone - promised) == []
    assert sorted(promised - gone) == []
    assert {(rule, subject) for rule, subject, _ in after - before} == shown


def fingerprints(result: dict[str, Any], options: tuple[str, ...]) -> set[tuple[str, str, str]]:
    """A page may have two findings of one rule, one per cookie: the fingerprint tells them apart."""
    left_out = tuple(options[-1].split(","))
    return {
        (f["rule"], f["subject"], f["fingerprint"]) for f in result["findings"] if not f["rule"].startswith(left_out)
    }
