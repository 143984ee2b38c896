"""Server-Timing goes to those who bring the token, and to nobody else."""

import pytest
from monitor.shops import shop

TOKEN = "kM3nTq9ZzX0aB7cD"


def test_the_token_brings_the_header() -> None:
    response = shop(token=TOKEN).test_client().get("/send/4", headers={"X-Seatrial-Token": TOKEN})
    [value] = response.headers.getlist("Server-Timing")
    name, duration, statements = value.split(";")
    assert (name, statements) == ("sql", 'desc="4"')
    assert duration.startswith("dur=")
    assert 0 <= float(duration.removeprefix("dur=")) < 1000
    assert "X-Seatrial-Token" in response.headers["Vary"]


@pytest.mark.parametrize("given", [None, "", TOKEN[:-1], TOKEN + "x", TOKEN.lower(), "ünïcödé-0123456"])
def test_without_it_there_is_no_header(given: str | None) -> None:
    headers = {} if given is None else {"X-Seatrial-Token": given}
    response = shop(token=TOKEN).test_client().get("/send/4", headers=headers)
    assert response.status_code == 200
    assert "Server-Timing" not in response.headers
    assert "Vary" not in response.headers


@pytest.mark.parametrize("given", ["", "None", "x"])
def test_without_a_configured_token_it_is_never_sent(given: str) -> None:
    response = shop().test_client().get("/send/4", headers={"X-Seatrial-Token": given})
    assert "Server-Timing" not in response.headers


def test_errors_and_redirects_carry_it_too_and_the_apps_own_stays() -> None:
    app = shop(token=TOKEN)

    @app.after_request
    def own(response):  # type: ignore[no-untyped-def]
        response.headers["Server-Timing"] = "render;dur=1"
        return response

    response = app.test_client().get("/fail/2", headers={"X-Seatrial-Token": TOKEN})
    assert response.status_code == 500
    assert response.headers.getlist("Server-Timing")[0] == "render;dur=1"
    assert response.headers.getlist("Server-Timing")[1].endswith('desc="2"')
