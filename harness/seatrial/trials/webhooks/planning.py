"""Before anything is tried: the webhooks that there are, and what is wrong with how they are named."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from seatrial.model.errors import ConfigurationError
from seatrial.model.inventory import Hook
from seatrial.trials.webhooks import stripe_events
from seatrial.trials.webhooks.providers import called
from seatrial.trials.webhooks.stand import events_of

if TYPE_CHECKING:
    from seatrial.config.settings import Webhook
    from seatrial.target import Target

NESTED = 4
LIVE = re.compile(r"(?<![A-Za-z0-9])([sr]k|whsec)_live_")


def planned(target: Target) -> tuple[Hook, ...]:
    """The webhooks of the configuration.

    Raises:
        ConfigurationError: With every mistake: a path that nobody serves, a key that is not there, a live key.
    """
    hooks = target.settings.webhooks
    if not hooks and not target.settings.idempotency:
        return ()
    mistakes = [*_live_keys(target)]
    for number, hook in enumerate(hooks):
        mistakes += [f"webhooks[{number}].{mistake}" for mistake in _mistakes(target, hook)]
    if mistakes:
        raise ConfigurationError(*mistakes)
    return tuple(Hook(hook.path, events_of(hook)) for hook in hooks)


def _mistakes(target: Target, hook: Webhook) -> Iterator[str]:
    adapter = target.app.url_map.bind(target.host_name)
    try:
        adapter.match(hook.path, method="POST")
    except RequestRedirect as redirect:
        ends_at = "/" + redirect.new_url.partition("//")[2].partition("/")[2]
        yield f"path: {hook.path} redirects, which is a failure for a sender; write {ends_at}"
    except MethodNotAllowed as error:
        methods = ", ".join(sorted(error.valid_methods or ()))
        yield f"path: {hook.path} takes {methods} and no POST; `seatrial routes` lists the routes"
    except NotFound:
        yield f"path: no route serves POST {hook.path}; `seatrial routes` lists the routes"
    except HTTPException:
        pass  # the app's own converter refuses: the clean delivery will tell
    if hook.secret_config and not target.app.config.get(hook.secret_config):
        yield (
            f"secret_config: app.config has no {hook.secret_config}; set it under [tool.seatrial.config] (any secret "
            "of your own will do), or name the key that holds the secret"
        )
    if hook.provider == "stripe":
        for event in hook.events:
            if event.partition("@")[0] not in stripe_events.KNOWN:
                yield f"events: there is no template of {event}; there are {', '.join(stripe_events.KNOWN)}"
    for key in ("sign", "payload", "retry"):
        if (name := getattr(hook, key)) is not None:
            try:
                called(name, key)
            except ConfigurationError as error:
                yield f"{key}: {error}"


def _texts(value: Any, depth: int = NESTED) -> Iterator[str]:
    """The texts in a value of the configuration, also those in a table in a list."""
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _texts(inner, depth - 1)


def _live_keys(target: Target) -> Iterator[str]:
    places: dict[str, Any] = {f"app.config[{name!r}]": value for name, value in target.app.config.items()}
    places |= {f"the environment variable {name}": value for name, value in os.environ.items()}
    places["stripe.api_key"] = getattr(sys.modules.get("stripe"), "api_key", None)  # written into the source
    for place, value in places.items():
        if any(LIVE.search(text) for text in _texts(value)):
            yield (
                f"{place} is a live Stripe key: nothing is tried with it; set a test key under [tool.seatrial.env] or "
                "[tool.seatrial.config]"
            )
