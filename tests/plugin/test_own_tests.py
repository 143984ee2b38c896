"""`sql_budget`, `max_statements`, `assert_secure_headers` in a team's tests: the limit first, then what happened."""

import textwrap

import pytest
import support

from .conftest import SOUND

PRELUDE = """
    import pytest
    from sqlalchemy import create_engine, text

    @pytest.fixture
    def send():
        engine = create_engine("sqlite://")

        def send(*statements):
            with engine.begin() as connection:
                for statement in statements:
                    connection.execute(text(statement))
        send("create table t (x integer)")
        return send
"""


@pytest.fixture
def team(harbour, tmp_path):
    """team(tests, *arguments): run a module of tests in a project that has no Seatrial configuration."""

    def run(tests, *arguments):
        root = tmp_path / "team"
        (root).mkdir(exist_ok=True)
        (root / "conftest.py").write_text(textwrap.dedent(PRELUDE))
        (root / "shop.py").write_text(textwrap.dedent(SOUND))
        (root / "test_team.py").write_text(textwrap.dedent(tests))
        return harbour.pytest(root, "--strict-markers", "-W", "error", "-rN", *arguments)

    return run


def failures(done):
    """What pytest says of each failed test, by its name."""
    told, name = {}, ""
    for line in done.out.split("= FAILURES =")[-1].splitlines():
        if line.startswith("____") and line.endswith("____"):
            name = line.strip("_ ")
            told[name] = []
        elif name and not line.startswith("==="):
            told[name].append(line)
    return {name: "\n".join(lines).strip() for name, lines in told.items()}


def test_budgets(team):
    done = team(
        """
        import pytest

        ONE, TWO = "select x from t", "select x, x from t"

        def test_within(send, sql_budget):
            with sql_budget(2) as recording:
                send(ONE, TWO)
            assert len(recording.statements()) == 2
            with sql_budget(select=1, dml=1):
                send(ONE, "insert into t values (1)")
            with sql_budget(0):
                send("savepoint a", "create table u (x integer)")

        def test_over(send, sql_budget):
            with sql_budget(2):
                send(TWO, ONE, "select x from t where x = 'secret'", "select x from t where x = 'other'")

        def test_one(send, sql_budget):
            with sql_budget(1):
                send(ONE, ONE)

        def test_kinds(send, sql_budget):
            with sql_budget(5, select=0, dml=1):
                send(ONE, "insert into t values (1)", "delete from t")

        def test_many(send, sql_budget):
            with sql_budget(0):
                send(*("select " + ", ".join(["x"] * n) + " from t" for n in range(1, 13)))

        def test_own_failure(send, sql_budget):
            with sql_budget(0):
                send(ONE)
                assert 1 == 2

        def test_nested(send, sql_budget):
            with sql_budget(3), sql_budget(1):
                send(ONE)

        @pytest.mark.parametrize("limit", [-1, True, 1.5, "5"])
        def test_nonsense(sql_budget, limit):
            with pytest.raises(ValueError, match="whole number from 0 on"), sql_budget(limit):
                pass

        def test_no_limit(sql_budget):
            with pytest.raises(ValueError, match="needs a limit: sql_budget"), sql_budget():
                pass
        """
    )
    told = failures(done)
    assert told.keys() == {"test_over", "test_one", "test_kinds", "test_many", "test_own_failure"}, done.out
    assert told["test_over"] == (
        "SQL budget: limited to 2 statements but sent 4\n"
        "  2x select x from t where x = ?\n"
        "  1x select x, x from t\n"
        "  1x select x from t"
    )
    assert told["test_one"] == "SQL budget: limited to 1 statement but sent 2\n  2x select x from t"
    assert told["test_kinds"] == (
        "SQL budget: limited to 0 select but sent 1; limited to 1 dml but sent 2\n"
        "  1x select x from t\n"
        "  1x insert into t values (?)\n"
        "  1x delete from t"
    )
    assert told["test_many"].splitlines()[0] == "SQL budget: limited to 0 statements but sent 12"
    assert told["test_many"].splitlines()[-1] == "  and 2 other statements"
    assert "assert 1 == 2" in told["test_own_failure"]
    assert "SQL budget" not in told["test_own_failure"]


def test_markers(team):
    done = team(
        """
        import pytest, unittest
        from sqlalchemy import create_engine, text

        @pytest.fixture
        def prepared(send):
            send("insert into t values (1)", "insert into t values (2)")
            return send

        @pytest.mark.max_statements(1)
        def test_within(prepared):
            prepared("select x from t")

        @pytest.mark.max_statements(n=1)
        def test_over(prepared):
            prepared("select x from t", "select x from t")

        @pytest.mark.max_statements(1)
        class TestNear:
            @pytest.mark.max_statements(2)
            def test_the_nearest_counts(self, send):
                send("select x from t", "select x from t")

        @pytest.mark.max_statements(0)
        class TestUnit(unittest.TestCase):
            def test_unit(self):
                with create_engine("sqlite://").connect() as connection:
                    connection.execute(text("select 1"))

        @pytest.mark.max_statements(0)
        def test_own_failure(send):
            send("select x from t")
            raise RuntimeError("own")

        @pytest.mark.max_statements
        def test_without():
            pass

        @pytest.mark.max_statements("5")
        def test_text():
            pass

        @pytest.mark.max_statements(1, 2)
        def test_two():
            pass
        """
    )
    told = failures(done)
    nonsense = "max_statements takes one whole number: @pytest.mark.max_statements(5)"
    own = told.pop("test_own_failure")
    assert told == {
        "test_over": "SQL budget: limited to 1 statement but sent 2\n  2x select x from t",
        "TestUnit.test_unit": "SQL budget: limited to 0 statements but sent 1\n  1x select ?",
        "test_without": nonsense,
        "test_text": nonsense,
        "test_two": nonsense,
    }, done.out
    assert "RuntimeError: own" in own
    assert "SQL budget" not in own
    assert done.outcomes() == {"failed": 6, "passed": 2}


def test_headers(team):
    done = team(
        """
        import httpx, pytest, requests, urllib3
        from flask import Flask, make_response, redirect
        from shop import HEADERS, create_app

        SOUND = {**HEADERS, "Content-Type": "text/html"}

        def app(headers, status=200):
            app = Flask(__name__)

            @app.get("/")
            def page():
                return "<p>page</p>", status, headers

            return app.test_client().get("/")

        def test_sound(assert_secure_headers):
            assert_secure_headers(app(SOUND))
            assert_secure_headers(httpx.Response(200, headers=SOUND))

        def test_missing(assert_secure_headers):
            headers = {name: value for name, value in SOUND.items() if name != "Content-Security-Policy"}
            assert_secure_headers(app(headers))

        def test_http(assert_secure_headers):
            headers = {name: value for name, value in SOUND.items() if name != "Strict-Transport-Security"}
            assert_secure_headers(app(headers), https=False)

        def test_cookies_of_flask(assert_secure_headers):
            assert_secure_headers(app([*SOUND.items(), ("Set-Cookie", "a=1; Secure; HttpOnly; SameSite=Lax"),
                                       ("Set-Cookie", "session=hidden; Secure; SameSite=Lax")]))

        def test_cookies_of_requests(assert_secure_headers):
            headers = urllib3.HTTPHeaderDict(SOUND)
            headers.add("Set-Cookie", "a=1; Secure; HttpOnly; SameSite=Lax; Expires=Mon, 01 Jan 2035 00:00:00 GMT")
            headers.add("Set-Cookie", "session=hidden; Secure; SameSite=Lax")
            raw = urllib3.HTTPResponse(b"", headers=headers, status=200)
            assert_secure_headers(requests.adapters.HTTPAdapter().build_response(
                requests.Request("GET", "https://shop.example/").prepare(), raw))

        def test_no_response(assert_secure_headers):
            with pytest.raises(TypeError, match=r"takes a response \\(client.get\\('/'\\)\\), not dict"):
                assert_secure_headers({})
        """
    )
    told = failures(done)
    assert told.keys() == {"test_missing", "test_cookies_of_flask", "test_cookies_of_requests"}, done.out
    lines = told["test_missing"].splitlines()
    assert lines[0] == "insecure headers of a response with status 200"
    assert lines[1].startswith("  HDR001 csp-missing: ")
    assert len(lines) == 3
    for name in ("test_cookies_of_flask", "test_cookies_of_requests"):
        lines = told[name].splitlines()
        assert [line.split(":")[0] for line in lines if line.startswith("  CKE")] == ["  CKE002 cookie-httponly"]
        assert "hidden" not in done.out


def test_the_teams_own_fixture_of_the_name_wins(team, tmp_path):
    done = team(
        """
        import pytest

        @pytest.fixture
        def sql_budget():
            return "own"

        def test_own(sql_budget):
            assert sql_budget == "own"
        """
    )
    assert done.code == 0, done.out
    assert support.snapshot(tmp_path / "team").keys() == {"conftest.py", "shop.py", "test_team.py"}
