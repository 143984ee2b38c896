"""Who is aimed at: each subject once, whatever is configured and however routes are called."""

from collections import Counter
from dataclasses import replace

import pytest

from seatrial.model.inventory import ANONYMOUS, BUILT_IN_SKIP, Inventory, Route
from seatrial.plugin.aims import addressed, leading, log_ins, log_outs, showing

ROUTES = (
    Route("GET", "/", "home", path="/"),
    Route("GET", "/login", "form", path="/login"),
    Route("POST", "/login", "enter", path="/login"),
    Route("POST", "/signin", "other", path="/signin"),
    Route("GET", "/logout", "leave", path="/logout", skipped=BUILT_IN_SKIP),
    Route("POST", "/sign-off", "leave_too", path="/sign-off"),
    Route("POST", "/sign-out", "mine", path="/sign-out", skipped="skip = '/sign-out'"),
    Route("POST", "/forgot-password", "forgot", path="/forgot-password"),
)
DOORS = (("POST /login enter", "owner"), ("POST /login enter", "clerk"))
EMPTY = Inventory(ROUTES)
PEOPLE = Inventory(ROUTES, (ANONYMOUS, "owner", "clerk"), doors=DOORS)


@pytest.mark.parametrize("inventory", [EMPTY, PEOPLE], ids=["nobody", "people"])
@pytest.mark.parametrize("selector", [leading, addressed, log_ins, log_outs, showing])
def test_no_subject_is_aimed_at_twice(selector: object, inventory: Inventory) -> None:
    subjects = Counter(aim.subject for aim in selector(inventory))  # type: ignore[operator]
    assert subjects
    assert set(subjects.values()) == {1}


def test_a_log_in_is_where_somebody_logged_in_else_what_is_called_so() -> None:
    assert [(aim.subject, aim.members[0][1]) for aim in log_ins(PEOPLE)] == [("POST /login enter [anonymous]", "owner")]
    assert [(aim.subject, aim.members[0][1]) for aim in log_ins(EMPTY)] == [
        ("POST /login enter [anonymous]", ""),
        ("POST /signin other [anonymous]", ""),
    ]


def test_log_outs_of_the_built_in_list_are_meant_and_those_on_skip_are_not() -> None:
    assert [aim.subject for aim in log_outs(PEOPLE)] == [
        "GET /logout leave [owner]",
        "POST /sign-off leave_too [owner]",
    ]


def test_log_outs_are_asked_where_they_lead() -> None:
    [aim] = [aim for aim in leading(PEOPLE) if aim.route is not None and aim.route.rule == "/logout"]
    assert aim.route is not None
    assert aim.route == replace(ROUTES[4], skipped="")


def test_a_page_knows_of_every_route_that_may_fill_it() -> None:
    for aim in showing(PEOPLE):
        assert {route.endpoint for route, _ in aim.members} == {"home", "form", "enter", "other", "leave_too", "forgot"}
