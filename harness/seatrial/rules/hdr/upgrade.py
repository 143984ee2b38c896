"""HDR013: what http answers where the deployment is https."""

from seatrial.model.deployment import DEPLOYMENT, HttpsProbe
from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import RESPONSE
from seatrial.rules.hdr.told import cut, quoted
from seatrial.rules.registry import rule

_MOVED = frozenset({301, 302, 303, 307, 308})


@rule(
    code="HDR013",
    name="https-redirect",
    level=Level.BLOCK,
    claim="Over http nothing is answered but a redirect to the same page over https, in one hop on the same host.",
    control=RESPONSE,
    rationale="Who types the bare host starts over http: a page shown there was not encrypted, and looks like yours.",
    source="OWASP ASVS 5.0 12.2.1; MDN Observatory, redirection; RFC 6797 §7.2",
    remedy="Let the proxy answer port 80 with 301 to https://$host$request_uri, before any other rule.",
    command="smoke",
)
def https_redirect(rule: Rule, probe: HttpsProbe, _: Context) -> Judgement:
    if probe.unseen:
        return rule.skipped(DEPLOYMENT, probe.unseen)
    answer = probe.answer
    if answer is None:
        return rule.passed(DEPLOYMENT)
    if answer.failure:
        return rule.not_proved(DEPLOYMENT, f"http {answer.failure}: ask it by hand")
    if answer.status in _MOVED and probe.reached:
        return rule.passed(DEPLOYMENT)
    where = f" to {quoted(probe.location)}" if probe.location else ""
    return rule.failed(
        DEPLOYMENT,
        rule.finding(
            DEPLOYMENT,
            f"http must lead to https on the same host in one hop but it answered {answer.status}{where}",
            evidence={
                "request": f"GET {answer.path}",
                "status": answer.status,
                "location": cut(probe.location, 200),
            },
        ),
    )
