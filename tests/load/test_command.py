"""`seatrial load`: what it refuses, and one whole run with everything that it writes."""

import json
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from load.servers import serving, shop

from seatrial.cli import group
from seatrial.reports import json_report

ROUTES = {"routes": [{"method": "GET", "rule": "/basket", "endpoint": "basket", "path": "/basket", "status": 200}]}


@pytest.fixture
def routes(tmp_path: Path) -> str:
    path = tmp_path / "routes.json"
    path.write_text(json.dumps(ROUTES))
    return str(path)


def load(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(group, ["load", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["http://192.168.0.1"], "allow it by name with --allow-host 192.168.0.1"),
        (["http://127.0.0.1", "--rate", "fast"], "write requests per second as 50"),
        (["http://127.0.0.1", "--master", "--worker"], "this process can be one of them"),
        (["http://127.0.0.1", "--master", "--find-limit"], "starts its processes itself"),
        (["http://127.0.0.1", "--find-limit", "--rate", "1..2"], "--find-limit begins at one rate"),
        (["http://127.0.0.1", "--field", "username=ann"], "knows no log-in form"),
        (["http://127.0.0.1", "--field", "username"], "write NAME=VALUE"),
        (["http://127.0.0.1", "--field", "a=env:SEATRIAL_NOT_SET"], "SEATRIAL_NOT_SET is not set"),
        (["http://127.0.0.1", "--weights", "/nowhere/w"], "No such file"),
    ],
)
def test_what_it_refuses_ends_with_the_way_out(words: list[str], said: str, routes: str) -> None:
    code, output = load(words[0], "--routes", routes, *words[1:])
    assert code == 2, output
    assert said in " ".join(output.split())


def test_without_routes_and_without_an_app_it_asks_for_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = load("http://127.0.0.1:1")
    assert code == 2
    assert "seatrial.toml" in output


def test_a_run_with_json_html_and_locusts_own_files(routes: str, tmp_path: Path) -> None:
    if find_spec("locust") is None:  # imported it would patch whoever runs the tests
        pytest.skip("locust is not installed (extra load)")
    result, page = tmp_path / "load.json", tmp_path / "load.html"
    with serving(shop()) as url:
        code, output = load(
            url, "--routes", routes, "--rate", "100", "--duration", "5", "--warm-up", "1", "--arrivals", "even",
            "--p99", "1000", "--batches", "1", "--json", str(result), "--html", str(page),
            "--", "--csv", str(tmp_path / "locust"),
        )  # fmt: skip
    told = json.loads(result.read_text())
    jsonschema.validate({key: value for key, value in told.items() if key != "load"}, json_report.schema())
    [endpoint] = told["load"]["endpoints"]
    assert endpoint["subject"] == "GET /basket basket [anonymous]"
    assert (endpoint["requests"], endpoint["failed"]) == (500, 0)
    assert endpoint["service_p99_ms"] <= endpoint["p99_ms"]
    generator = told["load"]["generator"]
    assert generator["arrivals"] == generator["settled"] == 500
    # On a machine that is busy with other things the generator itself is late, says so, and proves nothing.
    expected = (5, "INCONCLUSIVE  the generator is not to be believed") if told["load"]["doubts"] else (0, "PASS")
    assert code == told["exit_code"] == expected[0]
    assert expected[1] in output
    assert "GET /basket basket [anonymous]" in page.read_text()
    stats = (tmp_path / "locust_stats.csv").read_text()
    assert "/basket basket [anonymous]" in stats, "locust's own statistics keep working"
