"""RED: where the app can be made to lead its visitors."""

from seatrial.model.evidence import Exchange
from seatrial.model.findings import Finding, Judgement, Place
from seatrial.model.inventory import Route
from seatrial.model.outcomes import Level
from seatrial.model.redirects import HostTrial, Parameter, RedirectTrial
from seatrial.model.rules import Context, Rule
from seatrial.model.sessions import logs_out
from seatrial.rules.answers import RESPONSE, turned_away, unanswered, way_out
from seatrial.rules.registry import rule

_REFUSED = frozenset({400, 403, 404, 421})
"""Answers to a host that the app does not know."""


@rule(
    code="RED001",
    name="open-redirect",
    level=Level.BLOCK,
    claim="Every parameter that reaches Location keeps the browser on the own host, whatever its value.",
    control="a local target works: the parameter led to a path of the own site",
    rationale="A link to your own log-in page that ends on a copy of it, elsewhere, is the best phishing there is.",
    source="OWASP ASVS 5.0 3.7.2; CWE-601; WHATWG URL (browsers take a backslash for a slash and skip tabs)",
    remedy="Allow targets that begin with one slash, hold no backslash, no second slash and no control character.",
)
def open_redirect(rule: Rule, trial: RedirectTrial, _: Context) -> Judgement:
    subject = trial.subject
    if trial.parameters:
        if away := [parameter for parameter in trial.parameters if parameter.away is not None]:
            return rule.failed(subject, *(_led_away(rule, trial, parameter) for parameter in away))
        if trial.cut:
            return rule.not_proved(
                subject, "the matrix was not sent to its end: raise trial_s under [tool.seatrial.deadlines]"
            )
        return rule.passed(subject)
    route = trial.answer.route
    if not trial.requests and not trial.read and not trial.answer.failure and (not route.safe or logs_out(route)):
        return rule.skipped(subject, "its code names none of the parameters that lead on, so nothing was sent")
    if (silent := unanswered(rule, trial.answer)) is not None:
        return silent
    if _closed(trial.answer):
        return rule.not_proved(subject, f"a local target was not followed: {way_out(trial.answer)}")
    if trial.answer.status >= 500:
        return rule.not_proved(subject, way_out(trial.answer))
    return rule.skipped(subject, f"no parameter reaches Location (answered {trial.answer.status})")


def _closed(answer: Exchange) -> bool:
    """Turned away. Who posts, or logs out, is often sent to the log-in, and that says nothing."""
    return turned_away(answer) and (answer.status >= 400 or (answer.route.safe and not logs_out(answer.route)))


def _led_away(rule: Rule, trial: RedirectTrial, parameter: Parameter) -> Finding:
    away = parameter.away
    assert away is not None
    return rule.finding(
        trial.subject,
        f"'{parameter.name}' must stay on the own host but leads to {away.leads_to} with {away.payload}",
        place=_place(trial.answer.route),
        detail=parameter.name,
        evidence={
            "parameter": parameter.name,
            "where": parameter.where,
            "value": away.value,
            "status": away.status,
            "location": away.location,
            "leads_to": away.leads_to,
            "held": [landing.payload for landing in parameter.landings[1:-1]],
        },
        requests=[parameter.request(away, trial.answer)],
    )


@rule(
    code="RED002",
    name="host-header-poisoning",
    level=Level.BLOCK,
    claim="Links in mails and redirects do not follow a forged Host.",
    control=RESPONSE,
    rationale="The mail that resets a password links to the attacker's site, token included, and comes from you.",
    source="OWASP ASVS 5.0 4.1.3; CWE-640; measured: url_for(_external=True) follows Host unless it is configured",
    remedy="Set TRUSTED_HOSTS (Flask 3.1 or newer), or build links for mails from an address in the configuration.",
)
def host_header_poisoning(rule: Rule, trial: HostTrial, _: Context) -> Judgement:
    subject, answer = trial.subject, trial.answer
    followed = [forgery for forgery in trial.forgeries if forgery.follows]
    if followed:
        worst = followed[0]
        return rule.failed(
            subject,
            rule.finding(
                subject,
                f"Nothing may follow a forged {worst.header} but {' and '.join(worst.follows)} did",
                place=_place(answer.route),
                evidence={
                    "request": f"{answer.route.method} {answer.route.path}",
                    "own_host": {"status": answer.status, "carried_by": list(trial.links), "mails": trial.mails},
                    "forged": [
                        {"header": forgery.header, "status": forgery.status, "followed_by": list(forgery.follows)}
                        for forgery in trial.forgeries
                    ],
                },
            ),
        )
    if (silent := unanswered(rule, answer)) is not None:
        return silent
    if trial.needless:
        return rule.skipped(subject, trial.needless)
    if lost := [forgery for forgery in trial.forgeries if forgery.failure]:
        return rule.not_proved(subject, f"no response under a forged {lost[0].header} ({lost[0].failure}): ask by hand")
    if _refused(trial):
        return rule.passed(subject)
    if answer.status >= 400:
        return rule.not_proved(subject, way_out(answer))
    if not answer.route.safe and not trial.links and not trial.mails:
        return rule.skipped(subject, f"answered {answer.status} without a mail, an absolute link or a redirect to one")
    return rule.passed(subject)


def _refused(trial: HostTrial) -> bool:
    """The forged Host was refused for its own sake; forwarded hosts are often not read at all."""
    statuses = [forgery.status for forgery in trial.forgeries if forgery.header == "Host"]
    return any(status in _REFUSED and status != trial.answer.status for status in statuses)


def _place(route: Route) -> Place | None:
    """Without its text: two methods of one view are two findings."""
    return Place(route.module_path, route.line) if route.module_path else None
