"""A form that a stranger may send, sent empty: nobody is logged in by it, and nothing is written.

Without a token it must be refused for that; with the token of its page it must be refused for what is missing, which
is what the first refusal is compared with. Then, where that is asked for, until the limit refuses.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from seatrial.model.deployment import CsrfProbe, LimitProbe
from seatrial.model.evidence import Exchange
from seatrial.model.requests import Sent
from seatrial.smoke.client import Answer, Client
from seatrial.smoke.exchanges import exchange
from seatrial.smoke.plan import PROBE_MOST, Door, Plan, attempts
from seatrial.target.forms import TOKEN, Form, forms

FORM = "application/x-www-form-urlencoded"
LIMIT_HEADERS = re.compile(r"(x-)?ratelimit(-.*)?", re.IGNORECASE)
"""Of Flask-Limiter and others, and of the drafts of RateLimit header fields."""
WITHOUT, AGAIN, WITH = "no token", "no token, again", "own token"
_TELLS_TOKEN = re.compile(r"csrf|xsrf|\btoken\b", re.IGNORECASE)
_UNSEEN = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)
_COMPARED = 200_000


@dataclass(slots=True)
class Session:
    """A stranger's cookies, and the form with its token."""

    cookies: dict[str, str] = field(default_factory=dict)
    form: Form | None = None
    token: tuple[str, str] = ("", "")
    """(name of the field, value)."""

    def take(self, answer: Answer) -> None:
        for value in answer.values("Set-Cookie"):
            name, _, rest = value.partition(";")[0].partition("=")
            self.cookies[name.strip()] = rest.strip()


class Doorbell:
    """Rings at one door."""

    def __init__(self, plan: Plan, ask: Client, door: Door) -> None:
        self.plan, self.ask, self.door = plan, ask, door
        self.session = Session()
        self.page: Answer | None = None
        self.limit_headers: set[str] = set()
        self.refused: list[Exchange] = []
        """Answers of 429."""

    def csrf(self) -> CsrfProbe:
        """Without the token twice, then with it."""
        subject, protected = self.door.route.subject(), self.door.protected
        problem = self._open()
        if problem and not protected:
            return CsrfProbe(subject, protected, unseen=problem)
        bare, first = self._post(WITHOUT, token=False)
        if not self.session.token[1]:
            marked = problem or f"no token was found on {self.door.page}, so there is nothing to compare with"
            return CsrfProbe(subject, protected, bare, unseen=marked)
        again, second = self._post(AGAIN, token=False)
        own, third = self._post(WITH, token=True)
        return CsrfProbe(
            subject,
            protected,
            bare,
            again,
            own,
            steady=_shown(first) == _shown(second),
            differs=_shown(first) != _shown(third),
        )

    def limit(self, progress: Callable[[str], None] = lambda _: None) -> LimitProbe:
        """What the answers told of a limit; tried until it refuses, where that is wanted."""
        plan, door = self.plan, self.door
        enough = attempts(door.limits, plan.workers) if door.limits else 0
        statuses: list[int] = []
        unseen = ""
        if plan.probe_limits and door.limits:
            unseen = self._open() if self.page is None else ""
            if not unseen and enough > PROBE_MOST:
                unseen = f"{enough} attempts would be needed, and smoke makes at most {PROBE_MOST}"
            for number in range(0 if unseen else enough):
                progress(f"attempt {number + 1} of {enough} at {door.route.path}")
                seen, answer = self._post(f"attempt {number + 1}", token=True)
                if answer.failure or answer.status >= 500:
                    unseen = f"attempt {number + 1} {answer.failure or f'was answered {answer.status}'}: try again"
                    break
                statuses.append(answer.status)
                if seen.status == 429:
                    break
        return LimitProbe(
            door.route.subject(),
            door.limits,
            tuple(sorted(self.limit_headers)),
            tuple(statuses),
            enough,
            bool(self.refused),
            plan.probe_limits,
            unseen,
            self.refused[-1].asked if self.refused else (),
        )

    # ------------------------------------------------------------------ one request
    def _open(self) -> str:
        """Read the page with the form; why there is none, or empty."""
        self.page = page = self.ask.ask("GET", self.door.page, headers=self._cookies())
        self._note(page)
        if page.failure or page.status != 200:
            return f"the page with the form, {self.door.page}, {page.failure or f'answered {page.status}'}"
        self.session.take(page)
        found, meta = forms(page.text)
        posts = [form for form in found if form.method == "post"]
        here = [form for form in posts if self._leads_here(form)]
        self.session.form = next(iter(here), None)
        of_form = ((name, value) for form in here[:1] for name, value in form.fields.items() if TOKEN.search(name))
        of_page = (("csrf_token", value) for name, value in meta.items() if TOKEN.search(name))
        self.session.token = next(((name, value) for name, value in (*of_form, *of_page) if value), ("", ""))
        return ""

    def _leads_here(self, form: Form) -> bool:
        found = self.plan.base.leads(self.door.page, form.action) if form.action.strip() else None
        return found is None or self.plan.base.own(found) == self.door.route.path

    def _post(self, case: str, *, token: bool) -> tuple[Exchange, Answer]:
        """The form with every field empty, so that it means nobody."""
        known = self.session.form.fields if self.session.form is not None else {}
        name, value = self.session.token
        fields = {field: "" for field in known if not TOKEN.search(field)}
        headers = {"Content-Type": FORM, "Referer": f"{self.plan.base.url}{self.door.page}", **self._cookies()}
        headers["Origin"] = f"{self.plan.base.scheme}://{self.plan.base.netloc}"
        token = token and bool(value)
        if token:
            fields[name] = value
            headers |= {"X-CSRFToken": value, "X-CSRF-Token": value}
        shown = dict.fromkeys(fields, "") | ({name: "<the token of this session>"} if token else {})
        route = self.door.route
        answer = self.ask.ask(route.method, route.path, headers=headers, body=urlencode(fields).encode())
        self._note(answer)
        said = "csrf" if _TELLS_TOKEN.search(_visible(answer.text)) or _TELLS_TOKEN.search(_code(answer)) else ""
        sent = Sent((("Content-Type", FORM),), "&".join(f"{key}={text}" for key, text in shown.items()))
        seen = exchange(self.plan.base, route, answer, variant=case, sent=sent, marks={"said": said})
        if answer.status == 429:
            self.refused.append(seen)
        return seen, answer

    def _cookies(self) -> dict[str, str]:
        sent = "; ".join(f"{name}={value}" for name, value in self.session.cookies.items())
        return {"Cookie": sent} if sent else {}

    def _note(self, answer: Answer) -> None:
        self.limit_headers |= {name for name, _ in answer.headers if LIMIT_HEADERS.fullmatch(name)}


def _shown(answer: Answer) -> tuple[int, str, str]:
    """An answer as a person would tell it from another: tokens and nonces are no difference."""
    return answer.status, answer.content_type, _visible(answer.text)


def _visible(text: str) -> str:
    return " ".join(html.unescape(_UNSEEN.sub(" ", text[:_COMPARED])).split())


def _code(answer: Answer) -> str:
    """The code of an error envelope."""
    try:
        found = answer.json
        return str(found["error"]["code"])
    except (ValueError, LookupError, TypeError):
        return ""
