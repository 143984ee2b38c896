"""Attempts against rate limits in a real host: how many, what is tried around them, and what is left behind."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import project

from seatrial.config import load
from seatrial.model.inventory import Inventory
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.model.rates import RateTrial
from seatrial.plugin.aims import limited
from seatrial.rules import rtl
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

CONFIG = """
    [tool.seatrial]
    app = "limited_shop:create_app"
    workers = 3
    [tool.seatrial.database]
    url = "sqlite"
    [[tool.seatrial.identities]]
    name = "owner"
    login = "/login"
    fields = { username = "owner", password = "sea-trial-pass" }
    """


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Inventory, Pilot]]:
    root = project(tmp_path_factory.mktemp("limits") / "app", {}, config=CONFIG)
    shutil.copy(Path(__file__).parent / "limited_shop.py", root)
    with open_run(load(root)) as run:
        yield prepare(run, Profile.PROTECTION), Pilot(run)


def tried(shop: tuple[Inventory, Pilot], key: str) -> RateTrial:
    inventory, pilot = shop
    return pilot.limits(inventory.by_key(key))


def around(trial: RateTrial) -> set[str]:
    return {attempt.variant for attempt in trial.variants if trial.let_in(attempt)}


def test_exactly_as_many_attempts_as_the_tightest_limit_allows_and_one_more(shop) -> None:
    trial = tried(shop, "POST /login login")
    assert {limit.text for limit in trial.limits} == {"3 per 1 minute", "200 per 1 minute"}
    assert trial.allowed == 3
    assert [attempt.status for attempt in trial.attempts] == [400, 400, 400, 429]
    assert [attempt.entered for attempt in trial.attempts[-2:]] == [True, False]
    assert trial.attempts[-1].retry_after
    assert trial.recovered is True
    assert rtl.limit_not_enforced(trial).outcome is Outcome.PASS


def test_only_spellings_that_open_the_same_account_are_bypasses(shop) -> None:
    trial = tried(shop, "POST /login login")
    assert around(trial) == {
        "user name in capitals",
        "user name with a space after it",
        "user name with a space before it",
    }
    unconfirmed = {attempt.variant for attempt in trial.variants if attempt.entered} - around(trial)
    assert {"user name with a zero-width space", "user name in full-width letters"} <= unconfirmed
    assert rtl.limit_bypass(trial).outcome is Outcome.FAIL


def test_another_method_of_the_view_is_a_way_around(shop) -> None:
    assert around(tried(shop, "POST /auth/search search")) == {"PUT /auth/search"}


def test_another_door_to_the_view_is_a_way_around(shop) -> None:
    assert around(tried(shop, "GET /auth/doubled doubled")) == {"GET /auth/double"}


def test_a_fresh_start_after_each_trial(shop) -> None:
    first, second = (tried(shop, "GET /auth/doubled doubled") for _ in range(2))
    assert first == second
    assert len(first.attempts) == 5


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("GET /auth/often often", "301 attempts are allowed and a trial makes at most 300"),
        ("GET /auth/sometimes sometimes", "not every request counts"),
        ("GET /auth/broken broken", "answered 500"),
    ],
)
def test_what_cannot_be_proved_says_why(shop, key: str, said: str) -> None:
    judgement = rtl.limit_not_enforced(tried(shop, key))
    assert judgement.outcome is Outcome.NOT_PROVED
    assert said in judgement.reason


def test_another_method_has_the_defaults_of_the_app(shop) -> None:
    [limit] = tried(shop, "PUT /auth/search search").limits
    assert (limit.text, limit.own) == ("1000 per 1 hour", False)


def test_the_path_of_an_argument_is_found(shop) -> None:
    trial = tried(shop, "GET /auth/<int:number>/seen numbered")
    assert [attempt.status for attempt in trial.attempts] == [200, 200, 200, 429]


def test_a_storage_that_fails_ends_the_request(shop) -> None:
    trial = tried(shop, "POST /login login")
    assert [attempt.status for attempt in trial.down] == [500]
    assert rtl.limit_fails_open(trial).outcome is Outcome.PASS


def test_where_it_counts(shop) -> None:
    facts = shop[1].limiter()
    assert (facts.storages, facts.workers) == ((("MemoryStorage", True),), 3)


def test_aims_are_doors_and_routes_with_limits_of_their_own(shop) -> None:
    aims = {f"{aim.route.method} {aim.route.rule}" for aim in limited(shop[0]) if aim.route}
    assert {"POST /login", "GET /login", "GET /auth/by-default", "PUT /auth/search"} <= aims
    assert not aims & {"GET /", "GET /me"}


BY_HAND = """
    from flask import Flask, abort

    tried = []


    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(config or {})

        @app.before_request
        def refuse():
            if len(tried) >= 5:
                abort(429)

        @app.post("/login")
        def login():
            tried.append(1)
            return "no", 401

        @app.get("/")
        def home():
            return "home"

        return app
    """


def test_a_limit_made_by_hand_is_found_and_its_memory_ends_with_its_process(tmp_path: Path) -> None:
    config = CONFIG.partition("    [[tool.seatrial.identities]]")[0].replace("limited_shop", "shop")
    root = project(tmp_path / "app", {"shop.py": BY_HAND}, config=config)
    with open_run(load(root)) as run:
        inventory, pilot = prepare(run, Profile.PROTECTION), Pilot(run)
        trial = pilot.limits(inventory.by_key("POST /login login"))
        assert [attempt.status for attempt in trial.attempts] == [401] * 5 + [429]
        assert rtl.auth_route_unlimited(trial).outcome is Outcome.PASS
        assert pilot.look(inventory.by_key("GET / home"), "anonymous").status == 200
