"""Growth on data that cannot be copied and pages that cannot be measured: each is named, and the rest goes on."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import project

from seatrial.config import load
from seatrial.host.run import Run
from seatrial.model.findings import Judgement
from seatrial.model.growth import Growth
from seatrial.model.inventory import ANONYMOUS, Inventory
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.rules.growth import n_plus_one, unbounded_read
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

CONFIG = """
    app = "resisting_shop:create_app"
    seed = "resisting_shop:seed"
    [database]
    url = "embedded"
    [config]
    SQLALCHEMY_DATABASE_URI = "{database_url}"
    [deadlines]
    growth_s = 5
    [[growth]]
    route = "POST /search"
    json = { q = "" }
    [[growth]]
    route = "POST /clear"
    [[growth]]
    route = "POST /not-there"
    """


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    root = project(tmp_path_factory.mktemp("resisting"), {}, config=CONFIG)
    shutil.copy(Path(__file__).with_name("resisting_shop.py"), root)
    with open_run(load(root)) as run:
        yield run


@pytest.fixture(scope="module")
def inventory(run: Run) -> Inventory:
    return prepare(run, Profile.SWEEP)


@pytest.fixture(scope="module")
def grown(run: Run, inventory: Inventory) -> Callable[[str], Growth]:
    pilot = Pilot(run)
    known: dict[str, Growth] = {}

    def ask(subject: str) -> Growth:
        if subject not in known:
            known[subject] = pilot.growth(inventory.by_key(f"{subject} {subject.partition('/')[2]}"), ANONYMOUS)
        return known[subject]

    return ask


@pytest.fixture
def judged(grown: Callable[[str], Growth]) -> Callable[[str], Judgement]:
    return lambda subject: n_plus_one(grown(subject))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nothing", "nothing_yet (it is empty; seed a row of it)"),
        ("/unkeyed", "unkeyed (it has no primary key)"),
        ("/bookings", "booking (conflicting key value violates exclusion constraint"),
        ("/sealed", "sealed (sealed for good)"),
        ("/albums", "album (its rows are too large to be copied)"),
    ],
)
def test_rows_without_a_copy_are_named(judged: Callable[[str], Judgement], path: str, reason: str) -> None:
    found = judged(f"GET {path}")
    assert found.outcome is Outcome.NOT_PROVED
    assert reason in found.reason


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param(
            *("/slow", "it took longer than 5 s; raise `growth_s` under [tool.seatrial.deadlines]"),
            marks=pytest.mark.matrix,
        ),
        ("/fragile", "the page answers 500 once its tables have 2 more of each chosen row"),
        ("/deadly", "the app's process ended with exit code 9"),
        ("/away", "answered 302 to /lots: a redirect says nothing of the page behind it"),
    ],
)
def test_pages_that_are_not_seen_at_every_size_prove_nothing(
    judged: Callable[[str], Judgement], path: str, reason: str
) -> None:
    found = judged(f"GET {path}")
    assert found.outcome is Outcome.NOT_PROVED
    assert reason in found.reason


def test_a_database_that_cuts_the_connection_is_broken_and_no_more_than_that(
    grown: Callable[[str], Growth],
) -> None:
    cut = grown("GET /cut")
    assert cut.broken.startswith("the trial's database failed: ")
    assert cut.dirty
    assert n_plus_one(grown("GET /lots")).outcome is Outcome.FAIL, "the next route is tried on a restored database"


@pytest.mark.parametrize(
    ("path", "table"),
    [
        ("/lots", "item"),
        ("/passports", "passport"),  # one-to-one: each copy needs an item of its own
        ("/gauges", "gauge"),  # UUID, composite unique, generated column
        ("/shelves", "shelf"),  # composite key, referred to by both columns
        ("/view", "item"),  # a view reads the table
    ],
)
def test_keys_of_every_kind_grow(judged: Callable[[str], Judgement], path: str, table: str) -> None:
    found = judged(f"GET {path}")
    assert found.outcome is Outcome.FAIL, found.reason
    [finding] = found.findings
    assert finding.evidence["slope"] == pytest.approx(1, abs=0.1)
    assert table in finding.evidence["grown"]


def test_a_page_that_writes_is_put_back(grown: Callable[[str], Growth], run: Run) -> None:
    found = grown("GET /counted")
    assert found.dirty
    assert not found.broken
    again = grown("GET /lots")
    assert again.together is not None
    assert again.together.seen["item"][0] == 2, "the seed has two items"


def test_unsafe_routes_that_are_named_grow_from_a_restored_database(judged: Callable[[str], Judgement]) -> None:
    search = judged("POST /search")
    assert search.outcome is Outcome.FAIL
    assert search.findings[0].evidence["grown"] == "item"
    assert search.findings[0].evidence["statements"][0] == 2
    clear = judged("POST /clear")
    assert clear.outcome is Outcome.FAIL
    assert clear.findings[0].evidence["rows"][0] == 2, "each request found the lots that the one before had deleted"


def test_a_list_without_an_end_is_seen_on_the_way(grown: Callable[[str], Growth]) -> None:
    assert [f.evidence["sql"] for f in unbounded_read(grown("GET /lots")).findings] == ["SELECT id FROM item"]


def test_only_named_unsafe_routes_grow(inventory: Inventory) -> None:
    from seatrial.plugin.aims import growing

    unsafe = {aim.route.rule for aim in growing(inventory) if aim.route is not None and not aim.route.safe}
    assert unsafe == {"/search", "/clear"}
    assert any("POST /not-there is no route of the app" in note for note in inventory.notes)
