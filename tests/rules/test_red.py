"""Cases of the RED rules that the specimens do not show, and where a browser goes."""

from dataclasses import replace

import pytest

from seatrial.model.addresses import destination
from seatrial.model.evidence import Exchange
from seatrial.model.inventory import BUILT_IN_SKIP, Route
from seatrial.model.outcomes import Outcome
from seatrial.model.redirects import FOREIGN, Forgery, HostTrial, Landing, Parameter, RedirectTrial
from seatrial.rules import red

HERE = "https://app.test/folder/page?x=1"
GO = Route("GET", "/go", "go", path="/go")
RESET = Route("POST", "/forgot-password", "forgot", path="/forgot-password")
HELD = Landing("a local path", "/seatrial-landing", 302, "/seatrial-landing", "https://app.test")
AWAY = Landing("four slashes", f"////{FOREIGN}", 302, f"//{FOREIGN}", f"https://{FOREIGN}", off=True)


@pytest.mark.parametrize(
    ("address", "scheme", "host"),
    [
        # the rows of the WHATWG URL standard that urlsplit reads otherwise
        ("//evil.test", "https", "evil.test"),
        ("///evil.test", "https", "evil.test"),
        ("////evil.test", "https", "evil.test"),
        ("/\\evil.test", "https", "evil.test"),
        ("\\\\evil.test", "https", "evil.test"),
        ("\\/evil.test", "https", "evil.test"),
        ("/\t/evil.test", "https", "evil.test"),
        ("/\n/evil.test", "https", "evil.test"),
        ("\t//evil.test", "https", "evil.test"),
        ("\0//evil.test", "https", "evil.test"),
        (" //evil.test ", "https", "evil.test"),
        ("ht\ttps://evil.test", "https", "evil.test"),
        ("HtTpS://EVIL.test", "https", "evil.test"),
        ("https:\\\\evil.test", "https", "evil.test"),
        ("https:/\\evil.test", "https", "evil.test"),
        ("https:////evil.test", "https", "evil.test"),
        ("http:evil.test", "http", "evil.test"),
        ("http:/evil.test", "http", "evil.test"),
        ("http:\\\\evil.test", "http", "evil.test"),
        ("//app.test@evil.test", "https", "evil.test"),
        ("//app.test:80@evil.test:443/x", "https", "evil.test"),
        ("https://app.test\\@evil.test", "https", "app.test"),
        ("https://evil.test\\@app.test", "https", "evil.test"),
        ("https://evil.test#@app.test", "https", "evil.test"),
        ("https://evil.test?@app.test", "https", "evil.test"),
        ("https://evil。test", "https", "evil.test"),
        ("https://ｅｖｉｌ．test", "https", "evil.test"),
        ("https://%65vil.test", "https", "evil.test"),
        ("https://evil.test.", "https", "evil.test"),
        ("https://[::1]:80/", "https", "[::1]"),
        # what stays
        ("https:evil.test", "https", "app.test"),
        ("https:/evil.test", "https", "app.test"),
        ("/evil.test", "https", "app.test"),
        ("/%5Cevil.test", "https", "app.test"),
        ("/%09/evil.test", "https", "app.test"),
        ("%5C%5Cevil.test", "https", "app.test"),
        ("\u3000//evil.test", "https", "app.test"),
        ("/.//evil.test", "https", "app.test"),
        ("@evil.test", "https", "app.test"),
        ("evil.test", "https", "app.test"),
        ("?next=//evil.test", "https", "app.test"),
        ("#//evil.test", "https", "app.test"),
        ("", "https", "app.test"),
        # no host at all
        ("javascript:alert(1)", "javascript", ""),
        ("JaVa\tScript:alert(1)", "javascript", ""),
        ("data:text/html,x", "data", ""),
    ],
)
def test_a_browser_goes_there(address: str, scheme: str, host: str) -> None:
    found = destination(HERE, address)
    assert (found.scheme, found.host) == (scheme, host)
    assert found.followed is (scheme == "https" or scheme == "http")


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/seatrial-landing", "/seatrial-landing"),
        ("https://app.test/seatrial-landing?a=b#c", "/seatrial-landing"),
        ("\\seatrial-landing", "/seatrial-landing"),
        ("seatrial-landing", "/folder/seatrial-landing"),
        ("/login?next=/seatrial-landing", "/login"),
        ("//app.test", "/"),
        ("?a=b", "/folder/page"),
    ],
)
def test_and_to_this_path(address: str, path: str) -> None:
    assert destination(HERE, address).path == path


def redirect(status: int = 302, location: str = "", route: Route = GO, *landings: Landing, **more: object) -> Outcome:
    headers = (("Location", location),) if location else ()
    parameters = (Parameter("next", "query", landings),) if landings else ()
    trial = RedirectTrial(Exchange(route, "owner", "/go", status, headers=headers), parameters, requests=3)
    return red.open_redirect(replace(trial, **more)).outcome  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (redirect(302, "/x", GO, HELD), Outcome.PASS),
        (redirect(302, "/x", GO, HELD, AWAY), Outcome.FAIL),
        (redirect(302, "/x", GO, HELD, cut=True), Outcome.NOT_PROVED),
        (redirect(302, "/x", GO, HELD, AWAY, cut=True), Outcome.FAIL),
        (redirect(302, "/elsewhere"), Outcome.SKIPPED),
        (redirect(200), Outcome.SKIPPED),
        (redirect(302, "/login"), Outcome.NOT_PROVED),
        (redirect(403), Outcome.NOT_PROVED),
        (redirect(500), Outcome.NOT_PROVED),
        (redirect(302, "/login", RESET), Outcome.SKIPPED),
        (redirect(403, "", RESET), Outcome.NOT_PROVED),
        (redirect(302, "/login", Route("GET", "/logout", "logout", path="/logout")), Outcome.SKIPPED),
        (redirect(0, "", RESET, requests=0), Outcome.SKIPPED),
        (redirect(0, "", replace(RESET, unresolved=("x",)), requests=0, read=("next",)), Outcome.NOT_PROVED),
        (redirect(0, "", Route("GET", "/x", "x", skipped=BUILT_IN_SKIP), requests=0), Outcome.SKIPPED),
        (redirect(0, "", Route("GET", "/<x>", "x", unresolved=("x",)), requests=0), Outcome.NOT_PROVED),
    ],
)
def test_redirects(outcome: Outcome, expected: Outcome) -> None:
    assert outcome is expected


def test_each_parameter_that_leads_away_is_a_finding_of_its_own() -> None:
    answer = Exchange(GO, "owner", "/go", 302)
    parameters = (
        Parameter("next", "query", (HELD, AWAY)),
        Parameter("back", "query", (HELD,)),
        Parameter("url", "query", (HELD, AWAY)),
    )
    found = red.open_redirect(RedirectTrial(answer, parameters, requests=9)).findings
    assert [finding.detail for finding in found] == ["next", "url"]
    assert found[0].message == f"'next' must stay on the own host but leads to https://{FOREIGN} with four slashes"


def host(
    status: int, *forgeries: Forgery, links: tuple[str, ...] = (), route: Route = RESET, **more: object
) -> Outcome:
    trial = HostTrial(Exchange(route, "anonymous", route.path, status), links, forgeries=forgeries)
    return red.host_header_poisoning(replace(trial, **more)).outcome  # type: ignore[arg-type]


def forged(status: int, *follows: str, header: str = "Host", failure: str = "") -> Forgery:
    return Forgery(header, status, follows, failure)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (host(302, forged(302, "a mail")), Outcome.FAIL),
        (host(302, forged(400), forged(302, "a mail", header="X-Forwarded-Host")), Outcome.FAIL),
        (host(302, forged(400), forged(302, header="Forwarded")), Outcome.PASS),
        (host(400, forged(400)), Outcome.NOT_PROVED),
        (host(400, forged(421)), Outcome.PASS),
        (host(302, forged(302), links=("a mail",)), Outcome.PASS),
        (host(302, forged(302)), Outcome.SKIPPED),
        (host(302, forged(302), mails=1), Outcome.PASS),
        (host(302, forged(302), route=GO), Outcome.PASS),
        (host(302, forged(0, failure="did not finish within 10 s")), Outcome.NOT_PROVED),
        (host(200, needless="it neither redirects nor is about an account", route=GO), Outcome.SKIPPED),
        (host(0, route=Route("GET", "/<x>", "x", unresolved=("x",))), Outcome.NOT_PROVED),
    ],
)
def test_hosts(outcome: Outcome, expected: Outcome) -> None:
    assert outcome is expected
