"""From the exported inventory and the configuration to what is asked."""

from pathlib import Path
from typing import Any

import pytest

from seatrial.config.deployed import Deployed, load_deployed
from seatrial.model.errors import ConfigurationError
from seatrial.smoke.plan import Plan, Wishes, plan

BUDGET = {"select": 4, "dml": 1, "rows": 9}
INVENTORY: dict[str, Any] = {
    "routes": [
        {"method": "GET", "rule": "/", "path": "/", "endpoint": "home", "status": 200, "auth": "public"},
        {"method": "GET", "rule": "/items/", "path": "/items/", "endpoint": "items", "auth": "login", "budget": BUDGET,
         "identity": "owner", "status": 200, "hot": True},
        {"method": "GET", "rule": "/p/<slug>", "path": "/p/rope", "endpoint": "product", "auth": "public"},
        {"method": "GET", "rule": "/api/v1/items", "path": "/api/v1/items", "endpoint": "api", "auth": "login"},
        {"method": "GET", "rule": "/x/<int:y>", "path": "", "endpoint": "nowhere", "auth": "unknown"},
        {"method": "GET", "rule": "/static/<path:filename>", "path": "/static/app.css", "endpoint": "static"},
        {"method": "POST", "rule": "/login", "path": "/login", "endpoint": "log_in", "csrf": "protected",
         "limits": ["10 per 1 minute"]},
        {"method": "POST", "rule": "/hook", "path": "/hook", "endpoint": "hook"},
    ],
    "login": {"identity": "owner", "path": "/login", "fields": ["user"]},
    "webhooks": [{"path": "/hook", "provider": "stripe"}],
    "static": ["/static/app.css"],
}  # fmt: skip
SMOKE = """
[smoke]
token = "env:SMOKE_TOKEN"
skip = ["/p/*"]
assets = ["/logo.svg"]
[[smoke.routes]]
path = "/items/"
contains = "rope"
headers = { Cookie = "env:SMOKE_COOKIE" }
[[smoke.routes]]
path = "/readyz?deep=1"
json = ["status"]
"""


def planned(tmp_path: Path, text: str = "", inventory: dict[str, Any] | None = INVENTORY) -> Plan:
    (tmp_path / "seatrial.toml").write_text(f'app = "shop:create_app"\n{text}')
    environ = {"SMOKE_TOKEN": "the-token", "SMOKE_COOKIE": "session=1"}
    return plan("https://app.example", load_deployed(tmp_path, environ=environ), inventory, Wishes())


def by_path(found: Plan) -> dict[str, Any]:
    return {f"{aim.route.path} [{aim.identity}]": aim for aim in found.aims}


def test_what_the_inventory_says(tmp_path: Path) -> None:
    found = planned(tmp_path)
    aims = by_path(found)
    assert list(aims) == [f"{path} [anonymous]" for path in ("/", "/items/", "/p/rope", "/api/v1/items")]
    assert aims["/ [anonymous]"].expected.status == 200
    assert aims["/items/ [anonymous]"].expected.turned_away
    assert aims["/items/ [anonymous]"].expected.statements == 5
    assert aims["/p/rope [anonymous]"].expected.sample
    assert found.door is not None
    assert (found.door.route.path, found.door.protected, found.door.limits) == ("/login", True, ("10 per 1 minute",))
    assert [route.path for route in found.webhooks] == ["/hook"]
    assert [route.path for route in found.assets] == ["/static/app.css"]
    assert found.api == "/api"


def test_what_the_hand_list_adds(tmp_path: Path) -> None:
    found = planned(tmp_path, SMOKE)
    aims = by_path(found)
    assert list(aims) == [
        "/ [anonymous]", "/items/ [configured]", "/items/ [anonymous]", "/api/v1/items [anonymous]",
        "/readyz?deep=1 [anonymous]",
    ]  # fmt: skip
    seen = aims["/items/ [configured]"].expected
    assert (seen.status, seen.contains, seen.statements, seen.turned_away) == (200, ("rope",), 5, False)
    stranger = aims["/items/ [anonymous]"].expected
    assert (stranger.turned_away, stranger.statements) == (True, None)
    assert [route.path for route in found.assets] == ["/static/app.css", "/logo.svg"]
    assert found.token == "the-token"
    assert "the-token" not in repr(found)
    assert "session=1" not in repr(found)


def test_without_anything_the_first_page_is_asked(tmp_path: Path) -> None:
    found = plan("https://app.example", load_deployed(tmp_path), None, Wishes())
    assert (found.aims, found.ready, found.door) == ((), "/", None)


def test_variables_of_trials_need_not_be_set(tmp_path: Path) -> None:
    trials = '[env]\nKEY = "env:SEATRIAL_NOT_SET"\n[database]\nurl = "nonsense"\n[rules]\nSMK006 = "warn"\n'
    (tmp_path / "seatrial.toml").write_text(f'app = "shop:create_app"\nworkers = 2\n{trials}')
    found = load_deployed(tmp_path, environ={})
    assert isinstance(found, Deployed)
    assert (found.workers, {code: level.value for code, level in found.rules.items()}) == (2, {"SMK006": "warn"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[smoke]\nreadyy = "/"', "smoke.readyy: is no key of Seatrial; did you mean ready?"),
        ('[smoke]\ntoken = "env:SMOKE_NOT_SET"', "the environment variable SMOKE_NOT_SET is not set"),
        ("[smoke]\nroutes = 3", "begin each with [[tool.seatrial.smoke.routes]]"),
        ('[[smoke.routes]]\npath = "items"', 'begin it with "/"'),
        ("[smoke", "not valid TOML"),
    ],
)
def test_mistakes_are_told_with_the_way_out(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "seatrial.toml").write_text(f'app = "shop:create_app"\n{text}\n')
    with pytest.raises(ConfigurationError) as caught:
        load_deployed(tmp_path, environ={})
    assert said in "\n".join(caught.value.mistakes)
