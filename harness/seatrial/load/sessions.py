"""Who is logged in: through the app's own form, with its token, once per identity and process of the generator."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

from locust.contrib.fasthttp import FastHttpSession

from seatrial.load.plan import LogIn, Plan, Step

REDIRECTS = 10
"""Of a log-in that are followed."""
BROWSER = {"User-Agent": "Seatrial"}


class LogInRefused(Exception):
    """The identity could not be logged in; the sentence says what the app answered."""


class _Silent:
    """Stands where the client expects locust's event: what it asks is not part of the load."""

    def fire(self, **_: Any) -> None:
        pass


class Sessions:
    """Cookies by identity. Senders share them, as the tabs of one browser do."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._silent: dict[str, FastHttpSession] = {}
        self._hidden: dict[tuple[str, str], dict[str, str]] = {}

    def client(self, identity: str, event: Any, user: Any) -> FastHttpSession:
        """A client of an identity that is logged in, counted by `event`. Connections of its own, cookies shared."""
        made = self._new(event, user)
        made.client.cookiejar = self.silent(identity).client.cookiejar
        return made

    def silent(self, identity: str) -> FastHttpSession:
        """The client for what is not counted."""
        if identity not in self._silent:
            made = self._new(_Silent(), None)
            # Behind the proxy that speaks TLS, Secure cookies travel over http; without them nobody could log in there.
            made.client.cookiejar = CookieJar(DefaultCookiePolicy(secure_protocols=("https", "http")))
            self._silent[identity] = made
        return self._silent[identity]

    def _new(self, event: Any, user: Any) -> FastHttpSession:
        timeout = self.plan.timeout_s
        return FastHttpSession(
            base_url=self.plan.url,
            request_event=event,
            user=user,
            network_timeout=timeout,
            connection_timeout=timeout,
            headers=dict(BROWSER),
            max_retries=0,
        )

    # ------------------------------------------------------------------ logging in
    def log_in(self, identity: str, login: LogIn, proof: Step | None) -> None:
        """Fill in the form, and see a page that wants it. Raises LogInRefused."""
        from seatrial.target.forms import forms, login_form  # brings SQLAlchemy: only where somebody logs in

        client = self.silent(identity)
        status, where, text = self._follow(client, "GET", login.path)
        form = login_form(text, set(login.fields))
        if status != 200:
            raise LogInRefused(f"GET {login.path} answered {status}")
        sent = {**(form.fields if form else {}), **login.fields}
        headers = {"Referer": urljoin(self.plan.url, where)}
        _, meta = forms(text)
        if token := meta.get("csrf-token") or meta.get("csrf_token"):
            headers["X-CSRFToken"] = token
            sent.setdefault("csrf_token", token)
        action = urlsplit(urljoin(headers["Referer"], form.action)).path if form and form.action else where
        options: dict[str, Any] = {"data": sent} if form else {"json": sent}
        status, where, text = self._follow(client, "POST", action, headers=headers, **options)
        again = " and shows the form again" if status == 200 and login_form(text, set(login.fields)) else ""
        if again or not 200 <= status < 300:
            raise LogInRefused(f"POST {action} ended in {status} at {where}{again}")
        if proof is not None:
            seen = client.request(proof.method, proof.path, allow_redirects=False)
            if seen.status_code != (proof.status or 200):
                answered = seen.status_code or f"nothing ({type(getattr(seen, 'error', None)).__name__})"
                raise LogInRefused(
                    f"POST {action} was answered, but {proof.path} answers {answered} in place of {proof.status or 200}"
                )

    def _follow(self, client: FastHttpSession, method: str, path: str, **options: Any) -> tuple[int, str, str]:
        """(status, path, text) of the end of a chain of redirects within the site."""
        for _ in range(REDIRECTS):
            reply = client.request(method, path, allow_redirects=False, **options)
            if not reply.status_code:
                raise LogInRefused(f"{method} {path} was not answered ({why(getattr(reply, 'error', None))})")
            if not 300 <= reply.status_code < 400:
                return reply.status_code, path, reply.text or ""
            location = str(reply.headers.get("location", "")) if reply.headers is not None else ""
            target = urlsplit(urljoin(urljoin(self.plan.url, path), location))
            if target.netloc != urlsplit(self.plan.url).netloc:
                raise LogInRefused(f"{method} {path} leads to {target.netloc}, away from the app")
            method, options = "GET", {}
            path = target.path + (f"?{target.query}" if target.query else "")
        raise LogInRefused(f"it redirects for ever ({REDIRECTS} times, at last to {path.partition('?')[0]})")

    # ------------------------------------------------------------------ tokens of forms
    def hidden(self, identity: str, page: str) -> dict[str, str]:
        """The fields of the page's first form that posts, as it would send them untouched; asked once."""
        if (identity, page) not in self._hidden:
            from seatrial.target.forms import forms

            text = self.silent(identity).get(page, allow_redirects=False).text or ""
            found, meta = forms(text)
            fields = next((form.fields for form in found if form.method == "post"), {})
            if token := meta.get("csrf-token"):
                fields.setdefault("csrf_token", token)
            self._hidden[identity, page] = fields
        return self._hidden[identity, page]

    def forget(self, identity: str, page: str) -> None:
        """The token was refused: a new one is asked for next time."""
        self._hidden.pop((identity, page), None)


def why(error: BaseException | None) -> str:
    """A failure of the connection in words."""
    error = getattr(error, "original", None) or error  # geventhttpclient wraps what it would have tried again
    name = type(error).__name__
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionResetError | BrokenPipeError) or "ConnectionClosed" in name:
        return "reset"
    if isinstance(error, TimeoutError) or "Timeout" in name or "timed out" in str(error):
        return "timed out"
    if name == "HTTPParseError":
        return "broken off, or malformed"
    return name if error is not None else "no answer"
