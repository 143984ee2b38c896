"""From the exported routes, weights and a log to what is sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from seatrial.config import exported
from seatrial.load import hosts
from seatrial.load.arrivals import stretches
from seatrial.load.plan import LogIn, Plan
from seatrial.load.tasks import generated, pattern, weighted
from seatrial.model.errors import ConfigurationError
from seatrial.model.load import Demands


def row(method: str, rule: str, **more: Any) -> dict[str, Any]:
    path = rule.replace("<int:item_id>", "7")
    found = {"method": method, "rule": rule, "path": path, "endpoint": "e", "identity": "anonymous", "status": 200}
    return {**found, **more}


INVENTORY: dict[str, Any] = {
    "routes": [
        row("GET", "/"),
        row("GET", "/items/"),
        row("GET", "/items/<int:item_id>"),
        row("GET", "/orders", identity="owner", auth="login"),
        row("GET", "/old", status=302),
        row("GET", "/unknown/<x>", path=""),
        row("GET", "/static/<path:filename>", path="/static/app.css"),
        row("POST", "/items/"),
    ],
    "login": {"identity": "owner", "path": "/login", "fields": ["username", "password"]},
    "static": ["/static/app.css"],
}


def names(tasks: Any) -> dict[str, float]:
    return {task.steps[0].subject: task.weight for task in tasks}


def test_every_page_as_whoever_may_see_it() -> None:
    found = generated(INVENTORY, identities=["owner"])
    assert list(names(found.tasks)) == [
        "GET / e [anonymous]",
        "GET /items/ e [anonymous]",
        "GET /items/<int:item_id> e [anonymous]",
        "GET /orders e [owner]",
    ]
    assert found.notes == (
        "left out: 1 route that answered 302 when exported",
        "left out: 1 route without a sample path",
    )


def test_without_a_log_in_what_wants_one_is_left_out_and_said() -> None:
    found = generated(INVENTORY, identities=[])
    assert "GET /orders e [owner]" not in names(found.tasks)
    assert "left out: 1 route that want to be logged in as owner (--field NAME=VALUE says how)" in found.notes


def test_hot_routes_alone_where_there_are_some() -> None:
    inventory = {**INVENTORY, "routes": [row("GET", "/", hot=True), row("GET", "/items/")]}
    found = generated(inventory, identities=[])
    assert list(names(found.tasks)) == ["GET / e [anonymous]"]
    assert "not on `hot`" in found.notes[0]
    assert len(generated(inventory, identities=[], everything=True).tasks) == 2


HOT = {
    **INVENTORY,
    "routes": [
        row("GET", "/", hot=True),
        row("GET", "/", hot=True, identity="owner"),
        row("GET", "/items/"),
        row("GET", "/orders", hot=True, identity="owner"),
    ],
}


def test_a_hot_route_that_is_left_out_is_named() -> None:
    found = generated(HOT, identities=[])
    assert list(names(found.tasks)) == ["GET / e [anonymous]"]
    assert "hot, and left out: GET /orders e [owner]" in found.notes
    assert [note for note in found.notes if note.startswith("hot")] == ["hot, and left out: GET /orders e [owner]"]
    assert not any(note.startswith("hot") for note in generated(HOT, identities=["owner"]).notes)


def test_nothing_is_loaded_in_place_of_all_that_is_hot() -> None:
    inventory = {**INVENTORY, "routes": [row("GET", "/items/"), row("GET", "/orders", hot=True, identity="owner")]}
    found = generated(inventory, identities=[])
    assert found.tasks == ()
    assert found.notes == (
        "hot, and left out: GET /orders e [owner]",
        "left out: 1 route that are not on `hot` (--weights names others)",
        "left out: 1 route that want to be logged in as owner (--field NAME=VALUE says how)",
    )
    assert len(generated(inventory, identities=[], everything=True).tasks) == 1
    only_writes = {**INVENTORY, "routes": [row("GET", "/items/"), row("POST", "/orders", hot=True)]}
    assert len(generated(only_writes, identities=[]).tasks) == 1


def by(text: str, folder: Path, name: str = "weights.txt") -> Any:
    path = folder / name
    path.write_text(text)
    chosen = generated(INVENTORY, identities=["owner"], everything=True)
    return weighted(chosen, INVENTORY, path, identities=["owner"])


def test_weights_by_hand(tmp_path: Path) -> None:
    found = by("# what the shop is asked\n70 GET /items/\n30 GET /orders   # the owner\n", tmp_path)
    assert names(found.tasks) == {"GET /items/ e [anonymous]": 70.0, "GET /orders e [owner]": 30.0}


def test_weights_from_an_access_log(tmp_path: Path) -> None:
    log = """10.0.0.1 - - [29/Nov/2026:10:00:00 +0000] "GET /items/12?page=2 HTTP/1.1" 200 512 "-" "curl"
10.0.0.1 - - [29/Nov/2026:10:00:01 +0000] "GET /items/9 HTTP/1.1" 200 512
10.0.0.1 - - [29/Nov/2026:10:00:01 +0000] "GET /items/ HTTP/2.0" 304 0
10.0.0.1 - - [29/Nov/2026:10:00:02 +0000] "GET /items/ HTTP/1.1" 500 0
10.0.0.1 - - [29/Nov/2026:10:00:02 +0000] "GET /wp-login.php HTTP/1.1" 200 0
10.0.0.1 - - [29/Nov/2026:10:00:03 +0000] "POST /items/ HTTP/1.1" 201 0
"""
    found = by(log, tmp_path)
    assert names(found.tasks) == {"GET /items/ e [anonymous]": 1.0, "GET /items/<int:item_id> e [anonymous]": 2.0}
    assert "left out: 1 lines of the log that match no route" in found.notes
    assert any("POST /items/" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("GET /items/\n", "line 1 is not `WEIGHT METHOD /rule`"),
        ("-3 GET /items/\n", "line 1 is not"),
        ("3 GET /nowhere\n", "no task for GET /nowhere"),
        ("\n", "none of its lines"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=said):
        by(text, tmp_path)


TASKS = """
[[task]]
route = "GET /items/"
weight = 3
p99_ms = 80

[[task]]
identity = "owner"
pools = { item_id = [7, 8], colour = "colours.txt" }
steps = [
    { route = "GET /items/<int:item_id>", path = "/items/{item_id}" },
    { route = "POST /items/", form = { colour = "{colour}" }, page = "/items/", status = 302, think_s = 0.5 },
]
"""


def test_whole_tasks_with_steps_pools_and_limits_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "colours.txt").write_text("red\ngreen\n")
    found = by(TASKS, tmp_path, "tasks.toml")
    first, second = found.tasks
    assert (first.weight, first.steps[0].status) == (3, 200)
    assert found.demands == {"GET /items/ e [anonymous]": Demands(p99_ms=80)}
    assert second.pools == {"item_id": ["7", "8"], "colour": ["red", "green"]}
    assert [step.subject for step in second.steps] == ["GET /items/<int:item_id> e [owner]", "POST /items/ e [owner]"]
    assert (second.steps[1].think_s, second.steps[1].status, second.steps[1].page) == (0.5, 302, "/items/")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing = 1", "there is no \\[\\[task\\]\\]"),
        ("[[task]]\nweight = 1", "task 1: it names no route"),
        ('[[task]]\nroute = "GET /"\nspeed = 1', "it does not know speed"),
        ('[[task]]\nroute = "GET /"\nidentity = "eve"', "nobody can log in as eve"),
        ('[[task]]\nroute = "GET /"\npools = { a = [] }', "a pool is empty"),
        ('[[task]]\nroute = "GET /"\npools = { a = "no.txt" }', "pool no.txt"),
        ('[[task]]\nroute = "GET /x/<y>"', "is no route of the inventory"),
        ("[[task", "tasks.toml"),
    ],
)
def test_tasks_that_cannot_be_used_are_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=said):
        by(text, tmp_path, "tasks.toml")


@pytest.mark.parametrize(
    ("rule", "path", "matches"),
    [
        ("/items/<int:n>", "/items/7", True),
        ("/items/<int:n>", "/items/seven", False),
        ("/items/<n>/lots", "/items/x/lots", True),
        ("/items/<n>", "/items/x/lots", False),
        ("/files/<path:p>", "/files/a/b/c", True),
        ("/v<float:x>.json", "/v1.5.json", True),
        ("/a.b", "/aXb", False),
        ("/<string(length=2):lang>/", "/en/", True),
    ],
)
def test_rules_as_patterns(rule: str, path: str, matches: bool) -> None:
    assert bool(pattern(rule).fullmatch(path)) is matches


@pytest.mark.parametrize("text", ["", "[]", '{"routes": [{"method": "GET"}]}', '{"routes": 3}'])
def test_what_is_no_inventory_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="seatrial routes --export"):
        exported.read(path)


def test_a_plan_survives_its_file_which_nobody_else_can_read(tmp_path: Path) -> None:
    tasks = by(TASKS.replace('colour = "colours.txt"', 'colour = ["red"]'), tmp_path, "tasks.toml")
    plan = Plan(
        "http://127.0.0.1:1",
        tasks.tasks,
        stretches("10..20", 5, 1),
        "result",
        warm_up_s=1,
        logins={"owner": LogIn("/login", {"password": "x"})},
        demands=tasks.demands,
    )
    path = tmp_path / "plan.json"
    plan.write(path)
    assert Plan.read(path) == plan
    assert path.stat().st_mode & 0o077 == 0
    assert plan.duration_s == 5
    assert "x" not in repr(plan.logins)
    json.loads(path.read_text())


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000/", "https://[::1]:8443"])
def test_this_machine_may_be_loaded(url: str) -> None:
    assert hosts.checked(url, []) == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://192.168.1.7", "--allow-host 192.168.1.7"),
        ("https://shop.example/", "--allow-host shop.example"),
        ("http://127.0.0.1.evil.example", "--allow-host"),
        ("ftp://127.0.0.1", "is no web address"),
        ("127.0.0.1:8000", "is no web address"),
        ("http://u:p@127.0.0.1", "holds a user name or password"),
        ("http://127.0.0.1:8000/items", "give the address alone"),
        ("http://127.0.0.1:99999", "is no web address"),
    ],
)
def test_other_hosts_and_what_is_no_address_are_refused(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        hosts.checked(url, ["other.example"])


def test_a_host_that_is_named_may_be_loaded() -> None:
    assert hosts.checked("https://shop.example", ["shop.example"]) == "https://shop.example"
