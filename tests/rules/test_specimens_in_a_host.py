"""The specimens under the whole harness: real hosts, real sweeps, the rule that each is a specimen of."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rules.driver import (
    CLASSES,
    DELIVERED,
    FOREIGN,
    FORGED,
    GROWN,
    MEASURED,
    ON_A_DATABASE,
    PASSIVE,
    PROVOKED,
    SMOKED,
    SOWN,
    STATIC,
    STORAGE,
    TWICE,
    Specimen,
    classes_of,
    context_of,
    deployed,
    identities,
    leads_of,
    log_in_of,
    markup_of,
    of_a_database,
    on_postgres,
    sent_to,
    server_url,
    session_of,
    specimens,
)
from support import project

from seatrial.config import load
from seatrial.config.load import DATABASE_VARIABLE
from seatrial.model.inventory import ANONYMOUS, Inventory, Route
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.rules import find
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

EXPECTED = {"flawed": Outcome.FAIL, "sound": Outcome.PASS, "blind": Outcome.NOT_PROVED}
SHORT = {"SQL001", "SQL006", "HDR001", "CSR001", "CFG003", "ERR005", "SES001", "RED001"}
"""One per family in every run; the others are cells of a matrix."""

CONFIG = """
    [tool.seatrial]
    app = "specimen:create_app"
    seed = "specimen:seed"
    environment = "{environment}"
    [tool.seatrial.database]
    url = "{database}"
    [tool.seatrial.env]
    DATABASE_URL = "{{database_url}}"
    """


def cells() -> Iterator[object]:
    for specimen in specimens("flawed", "sound", "blind"):
        if specimen.code in PASSIVE | STATIC | MEASURED | SMOKED:
            continue  # no host has a part in it, or `driver.measured` asks one already
        for database in ("sqlite", "embedded"):
            if database == "embedded" and not specimen.code.startswith(("SQL", "WHK", "IDM", *ON_A_DATABASE)):
                continue  # the database says nothing about headers
            if database == "sqlite" and specimen.code in ON_A_DATABASE:
                continue
            short = specimen.code in SHORT and database == "sqlite" and specimen.kind != "blind"
            marks = [] if short else [pytest.mark.matrix]
            yield pytest.param(specimen, database, marks=marks, id=f"{specimen}-{database}")


@pytest.mark.parametrize(("specimen", "database"), list(cells()))
def test_the_whole_harness_judges_a_specimen_right(specimen: Specimen, database: str, tmp_path: Path) -> None:
    settings = specimen.settings.get("config", {})
    config = CONFIG.format(environment=settings.get("environment", "production"), database=database)
    if "def seed(" not in specimen.path.read_text():
        config = config.replace('    seed = "specimen:seed"\n', "")
    if specimen.code in ON_A_DATABASE:
        root = on_postgres(specimen, tmp_path / "app", "specimen")
    else:
        config = sent_to(specimen, deployed(specimen, config))
        root = project(tmp_path / "app", {}, config=config + identities(specimen, "specimen"))
        shutil.copy(specimen.path, root / "specimen.py")
    rule = find(specimen.code)
    assert rule is not None
    profile = Profile.SWEEP if rule.family in ("SQL", "ERR", "IDM", "IDX", "MIG") else Profile.PROTECTION
    environ = {DATABASE_VARIABLE: server_url()} if specimen.code in ON_A_DATABASE else None
    with open_run(load(root, environ=environ)) as run:
        inventory = prepare(run, profile)
        pilot = Pilot(run)
        route = inventory.by_key(f"{specimen.settings['route']} {specimen.settings['endpoint']}")
        match rule.family:
            case "SQL" if rule.code in GROWN:
                evidence: object = pilot.growth(route, ANONYMOUS)
            case "SQL":
                visit = pilot.visit(route, ANONYMOUS)
                evidence = visit.writing if rule.code == "SQL006" else visit.warm
            case "ERR" if rule.code == SOWN:
                evidence = markup_of(pilot, inventory, specimen)
            case "ERR" if rule.code in PROVOKED:
                evidence = pilot.errors(route, ANONYMOUS)
            case "ERR":
                evidence = pilot.malformed(route, ANONYMOUS)
            case "CFG":
                evidence = pilot.facts()
            case "OAU":
                evidence = log_in_of(inventory, pilot)
            case "WHK" | "IDM":
                evidence = DELIVERED[rule.code](pilot, specimen.events[0])
            case "IDX" | "MIG":
                evidence = of_a_database(specimen, pilot, inventory)
            case "RTL":
                evidence = pilot.limiter() if rule.code == STORAGE else pilot.limits(route)
            case "SES":
                evidence = session_of(pilot, inventory, route)
            case "RED":
                evidence = leads_of(pilot, specimen, route)
            case _:
                evidence = asked(pilot, inventory, route, specimen)
    judgement = rule(evidence, context_of(specimen))
    assert judgement.outcome is EXPECTED[specimen.kind], judgement.reason
    assert [finding.subject for finding in judgement.findings] == (
        [specimen.subject] * len(judgement.findings) if specimen.kind == "flawed" else []
    )


def asked(pilot: Pilot, inventory: Inventory, route: Route, specimen: Specimen) -> object:
    """The evidence of a rule about headers, cookies or forged requests."""
    match specimen.code:
        case code if code == TWICE:
            return pilot.again(route, ANONYMOUS)
        case code if code == FOREIGN:
            return pilot.origins(route, ANONYMOUS)
        case code if code in FORGED:
            return pilot.forged(route, specimen.identity)
        case code if code == CLASSES:
            return classes_of(pilot, inventory)
        case _:
            return pilot.look(route, specimen.identity)
