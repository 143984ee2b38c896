"""Which `url` is taken, and where it may lead."""

import sys

import pytest

from seatrial.database import open_databases
from seatrial.database.address import is_loopback, server_url
from seatrial.database.driver import choose_driver
from seatrial.model.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite:////tmp/app.db", 'write url = "sqlite"'),
        ("sqlite://", 'write url = "sqlite"'),
        ("mysql+pymysql://u:hunter2@127.0.0.1/x", "mysql is not supported"),
        ("postgres", "cannot be read"),
        ("", "cannot be read"),
        ("postgresql://u:hunter2@127.0.0.1:port/x", "cannot be read"),
        ("postgresql:///x", "names no host"),
        ("postgresql://u:hunter2@db.example/x", "db.example is not on this machine"),
        ("postgresql://u:hunter2@127.0.0.1/x?host=db.example", "sets host in its query"),
        ("postgresql://u:hunter2@127.0.0.1/x?hostaddr=10.0.0.1", "sets hostaddr in its query"),
        ("postgresql://u:hunter2@127.0.0.1/x?service=production", "sets service in its query"),
        ("postgresql+asyncpg://u:hunter2@127.0.0.1/x", "driver asyncpg"),
    ],
)
def test_refused_urls_say_the_way_out_and_no_password(url: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_databases(url, run="r")
    assert sentence in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("variable", ["PGHOSTADDR", "PGSERVICE"])
def test_variables_that_lead_elsewhere_are_refused(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "10.0.0.1")
    with pytest.raises(ConfigurationError, match=f"{variable} is set.*unset it"):
        open_databases("postgresql://u@127.0.0.1/x", run="r")


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        server_url("postgresql://u@db.example/x?host=a&service=b", ())
    assert len(refused.value.mistakes) == 3


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "0.0.0.0", "localhost.example", "127.0.0.1.example", "::2", "db"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_the_postgres_scheme_and_a_missing_database_are_completed() -> None:
    url = server_url("postgres://u:p@[::1]:5433", ())
    assert url.drivername == f"postgresql+{choose_driver()}"
    assert (url.host, url.port, url.database) == ("::1", 5433, "postgres")


def test_without_a_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for driver in ("psycopg2", "psycopg", "pg8000"):
        monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(ConfigurationError, match=r"pip install 'seatrial\[postgres\]'"):
        open_databases("embedded", run="r")
