"""What defends the app, read back from the built app.

The only module that knows private attributes of Flask-WTF, Flask-SeaSurf, Flask-Limiter, Flask-Talisman, Flask-Login
and Authlib. Tried with Flask-WTF 1.2–1.3, Flask-Limiter 3.5–4.1, Flask-Login 0.6.3, Flask-SeaSurf 2.0, flask-talisman
1.1, Authlib 1.3–1.9; `tests/target/test_protections.py` fails when an upgrade moves one of them.
"""

import contextlib
import inspect
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import metadata
from types import CodeType, FunctionType
from typing import Any

from flask import Flask, session
from sqlalchemy.engine import Engine

from seatrial.model.evidence import AppFacts, Protection
from seatrial.model.inventory import SAFE_METHODS
from seatrial.model.rates import RateLimit
from seatrial.target.living import living

# What the sweep profile takes out of the way: limits would stop the sweep, tokens would stop unsafe requests.
SWEEP_CONFIG = {"RATELIMIT_ENABLED": False, "WTF_CSRF_ENABLED": False}

_OAUTH = "authlib.integrations.flask_client"

# Wrappers of one view that are looked at.
_LAYERS = 200

# The keys that tutorials and templates use, in lower case.
_WEAK_KEYS = frozenset(
    [
        "dev",
        "development",
        "secret",
        "secretkey",
        "secret-key",
        "secret_key",
        "changeme",
        "change-me",
        "change_me",
        "test",
        "testing",
        "key",
        "password",
        "default",
        "flask",
        "mysecret",
        "supersecret",
        "super-secret",
        "you-will-never-guess",
        "dev-secret",
        "dev-secret-key",
        "devkey",
    ]
)


def protections(app: Flask) -> tuple[Protection, ...]:
    """Every defence that was recognised, with what switches it off."""
    return (*_csrf(app), *_rate_limit(app), *_login(app), *_headers(app), *_oauth(app))


def _csrf(app: Flask) -> Iterator[Protection]:
    if "csrf" in app.extensions:
        off = next(
            (
                f"{key} = False"
                for key in ("WTF_CSRF_ENABLED", "WTF_CSRF_CHECK_DEFAULT")
                if not app.config.get(key, True)
            ),
            "",
        )
        yield Protection("csrf", _library("Flask-WTF"), not off, off)
    elif "flask_wtf" in sys.modules:
        off = "" if app.config.get("WTF_CSRF_ENABLED", True) else "WTF_CSRF_ENABLED = False"
        yield Protection("csrf", _library("Flask-WTF") + " (forms only)", not off, off)
    if (seasurf := _hook_owner(app, "flask_seasurf", "SeaSurf")) is not None:
        off = "CSRF_DISABLE = True" if getattr(seasurf, "_csrf_disable", False) else ""
        yield Protection("csrf", _library("Flask-SeaSurf"), not off, off)


def _rate_limit(app: Flask) -> Iterator[Protection]:
    limiters = _limiters(app)
    if limiters:
        off = "" if any(limiter.enabled for limiter in limiters) else "RATELIMIT_ENABLED = False"
        yield Protection("rate-limit", _library("Flask-Limiter"), not off, off)
    elif (module := sys.modules.get("flask_limiter")) is not None and living(module.Limiter):
        # Switched off before init_app the extension does not even register itself.
        off = "RATELIMIT_ENABLED = False" if app.config.get("RATELIMIT_ENABLED") is False else "init_app was not called"
        yield Protection("rate-limit", _library("Flask-Limiter"), False, off)


def _login(app: Flask) -> Iterator[Protection]:
    if getattr(app, "login_manager", None) is not None:
        off = "LOGIN_DISABLED = True" if app.config.get("LOGIN_DISABLED") else ""
        yield Protection("login", _library("Flask-Login"), not off, off)


def _headers(app: Flask) -> Iterator[Protection]:
    if _hook_owner(app, "flask_talisman", "Talisman") is not None:
        yield Protection("headers", _library("flask-talisman"), True)


def _oauth(app: Flask) -> Iterator[Protection]:
    if _OAUTH in app.extensions:
        yield Protection("oauth", _library("Authlib"), True)


def oauth_library(app: Flask) -> str:
    """The library that the app registers providers with, or empty."""
    return _library("Authlib") if _OAUTH in app.extensions else ""


def oauth_state_key(client: str, state: str) -> str:
    """Where Authlib keeps in the session what belongs to a log-in that was begun."""
    return f"_state_{client}_{state}"


def oauth_clients(app: Flask) -> dict[str, dict[str, Any]]:
    """What was registered with Authlib about each provider, by the name of its client: URLs, issuer, algorithms.

    As registered: what a client has learnt from the provider since, it keeps beside that.
    """
    registry: Any = app.extensions.get(_OAUTH)
    found: dict[str, dict[str, Any]] = {}
    for name in getattr(registry, "_registry", ()):
        with contextlib.suppress(Exception):  # a registration that was never completed
            used = registry._clients.pop(name, None)
            try:
                found[name] = dict(registry.create_client(name).server_metadata)
            finally:
                if used is not None:
                    registry._clients[name] = used
    return found


def forget_oauth(app: Flask, registered: Mapping[str, Mapping[str, Any]]) -> None:
    """Let the clients of Authlib ask their providers again for discovery document and keys."""
    clients = getattr(app.extensions.get(_OAUTH), "_clients", {})
    for name, known in registered.items():
        if name in clients:
            clients[name].server_metadata = dict(known)


def apply_sweep(app: Flask, kept: Mapping[str, Any]) -> None:
    """Switch limits and CSRF off on an app whose factory did not take them from the configuration.

    `kept`: what the person configured for this profile, which is left as it is.
    """
    off = {key: value for key, value in SWEEP_CONFIG.items() if key not in kept}
    app.config.update(off)
    for limiter in _limiters(app):
        limiter.enabled = limiter.enabled and "RATELIMIT_ENABLED" not in off
    seasurf = _hook_owner(app, "flask_seasurf", "SeaSurf")
    if seasurf is not None and "CSRF_DISABLE" not in kept:
        seasurf._csrf_disable = True


def reset_limits(app: Flask) -> None:
    """Forget what was counted against the trial's own address, so that a sweep does not lock itself out."""
    for limiter in _limiters(app):
        if limiter.enabled:
            try:
                limiter.reset()
            except Exception:  # a storage that is down or cannot reset; the canary will notice a lock-out
                logging.getLogger(__name__).debug("limiter.reset() failed", exc_info=True)


def limits_of(app: Flask, endpoint: str, method: str) -> tuple[str, ...]:
    """Rate limits that Flask-Limiter resolves for an endpoint and method, as it prints them."""
    return tuple(dict.fromkeys(limit.text for limit in rate_limits(app, endpoint, method)))


def rate_limits(app: Flask, endpoint: str, method: str) -> tuple[RateLimit, ...]:
    """Rate limits that Flask-Limiter resolves for an endpoint and method."""
    found: dict[RateLimit, None] = {}
    blueprint = endpoint.rpartition(".")[0] or None
    for limiter in _limiters(app):
        try:
            from flask_limiter.util import get_qualified_name

            view = app.view_functions[endpoint]
            marked = get_qualified_name(view) in limiter._marked_for_limiting
            with app.test_request_context("/", method=method):
                manager = limiter.limit_manager
                groups = [
                    *manager.resolve_limits(app, endpoint, blueprint, in_middleware=True, marked_for_limiting=marked),
                    *manager.resolve_limits(app, endpoint, blueprint, in_middleware=False),
                ]
            if marked and not _wrapped_by_limiter(view):
                groups[2:] = []  # nobody checks them, see dead_limit
            for number, group in enumerate(groups):  # defaults, own, defaults, own
                for limit in group:
                    if not limit.methods or method.lower() in {m.lower() for m in limit.methods}:
                        found[_rate_limit_of(limit, own=number % 2 == 1)] = None
        except Exception:  # private API: an unknown version is "not known", never a crash
            logging.getLogger(__name__).debug("limits of %s not resolved", endpoint, exc_info=True)
    return tuple(found)


def _rate_limit_of(limit: Any, *, own: bool) -> RateLimit:
    cost = getattr(limit, "cost", 1)
    return RateLimit(
        text=str(limit.limit),
        amount=limit.limit.amount // max(1, cost) if isinstance(cost, int) else limit.limit.amount,
        window_s=limit.limit.get_expiry(),
        key=getattr(limit.key_func, "__name__", type(limit.key_func).__name__),
        own=own,
        conditional=bool(limit.exempt_when or limit.deduct_when or not isinstance(cost, int)),
    )


def dead_limit(app: Flask, endpoint: str) -> str:
    """Why a limit that was declared for the view of an endpoint never runs: `order`, `name`, `exempt`, or empty.

    Flask-Limiter books a limit under module and qualified name, and skips the defaults for views of that name because
    its wrapper is to check them. A view of that name without the wrapper is checked by nobody.
    """
    for limiter in _limiters(app):
        try:
            from flask_limiter.util import get_qualified_name

            view = app.view_functions[endpoint]
            name = get_qualified_name(view)
            namesakes = [v for e, v in app.view_functions.items() if e != endpoint and get_qualified_name(v) == name]
            if name not in limiter._marked_for_limiting:
                continue
            if _wrapped_by_limiter(view):
                if limiter.limit_manager._route_exemptions.get(name):  # a defaultdict: asking once makes an entry
                    return "exempt"
            elif not any(_wrapped_by_limiter(other) for other in namesakes):
                return "order"
            elif limiter.limit_manager.default_limits:
                return "name"
        except Exception:  # private API, as above
            logging.getLogger(__name__).debug("limit of %s not followed", endpoint, exc_info=True)
    return ""


def _wrapped_by_limiter(view: Any) -> bool:
    """Whether a wrapper of Flask-Limiter's is in the view, also below a decorator without `functools.wraps`."""
    home = os.path.dirname(sys.modules["flask_limiter"].__file__ or "")
    todo, seen = [view], set[int]()
    while todo and len(seen) < _LAYERS:
        layer = todo.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        # By type and by __dict__: asking a proxy of Flask's for an attribute runs code that needs a request.
        if type(layer) is FunctionType:
            if os.path.dirname(layer.__code__.co_filename) == home:
                return True
            for cell in layer.__closure__ or ():
                with contextlib.suppress(ValueError):  # an empty cell
                    todo.append(cell.cell_contents)
        elif type(layer) is partial:
            todo.append(layer.func)
        with contextlib.suppress(AttributeError):
            inside = object.__getattribute__(layer, "__dict__")
            todo += [inside.get("__wrapped__")] if type(layer) is FunctionType else list(inside.values())
    return False


def storages(app: Flask) -> tuple[tuple[str, bool], ...]:
    """(class, whether each process has one of its own) of every limiter's storage."""
    memory = getattr(sys.modules.get("limits.storage"), "MemoryStorage", ())
    found = [limiter.storage for limiter in _limiters(app)]
    return tuple((type(storage).__name__, isinstance(storage, memory)) for storage in found)


def storage_answers(app: Flask) -> bool:
    """Whether every limiter reaches its storage."""
    try:
        return all(limiter.storage.check() for limiter in _limiters(app))
    except Exception:  # the client of the storage may not even be installed
        return False


@contextlib.contextmanager
def watched_limiters(app: Flask, *, down: bool = False) -> Iterator[list[str]]:
    """Notes each question to a limiter's storage; with `down` each is answered by ConnectionError instead."""
    asked: list[str] = []

    def watch(name: str, original: Any) -> Any:
        def question(*arguments: Any, **options: Any) -> Any:
            asked.append(name)
            if down:
                raise ConnectionError("the trial has taken the storage of the limiter away")
            return original(*arguments, **options)

        return question

    questions = [(limiter.limiter, name) for limiter in _limiters(app) for name in ("hit", "test", "get_window_stats")]
    before = [vars(strategy).get(name) for strategy, name in questions]  # a watch of our own, or nothing
    for strategy, name in questions:
        setattr(strategy, name, watch(name, getattr(strategy, name)))
    try:
        yield asked
    finally:
        for (strategy, name), watching in zip(questions, before, strict=True):
            if watching is None:
                delattr(strategy, name)
            else:
                setattr(strategy, name, watching)
        for limiter in _limiters(app) if down else ():
            limiter._storage_dead = False  # else it stays with its fallback
            if (fallback := getattr(limiter, "_fallback_storage", None)) is not None:
                fallback.reset()  # what it counted meanwhile would be found by the next outage


def csrf_of(app: Flask, endpoint: str, method: str) -> str:
    """`protected`, `exempt`, `none`, or empty for a safe method."""
    if method in SAFE_METHODS:
        return ""
    view = app.view_functions.get(endpoint)
    name = f"{getattr(view, '__module__', '')}.{getattr(view, '__name__', '')}"
    if (csrf := app.extensions.get("csrf")) is not None:
        blueprints = {getattr(b, "name", b) for b in getattr(csrf, "_exempt_blueprints", ())}
        own = endpoint.rpartition(".")[0]
        exempt = name in getattr(csrf, "_exempt_views", ()) or own in blueprints
        return "exempt" if exempt else "protected"
    if (seasurf := _hook_owner(app, "flask_seasurf", "SeaSurf")) is not None:
        return "exempt" if name in getattr(seasurf, "_exempt_views", ()) else "protected"
    return "none"


def facts(
    app: Flask, profile: str, environment: str, host_answers: dict[str, int], *, has_database: bool = True
) -> AppFacts:
    """What was really on. The secret key is judged here and never leaves the process."""
    config = app.config
    key = app.secret_key
    raw = key.encode() if isinstance(key, str) else key
    roles = {str(config.get("SESSION_COOKIE_NAME", "session")): "session"}
    if getattr(app, "login_manager", None) is not None:
        roles[str(config.get("REMEMBER_COOKIE_NAME", "remember_token"))] = "remember"
    if _hook_owner(app, "flask_seasurf", "SeaSurf") is not None:
        roles[str(config.get("CSRF_COOKIE_NAME", "_csrf_token"))] = "csrf"
    return AppFacts(
        profile=profile,
        environment=environment,
        protections=protections(app),
        debug=bool(app.debug),
        testing=bool(app.testing),
        secret_key_length=len(raw) if raw else None,
        secret_key_weakness=_weakness(raw) if raw else "",
        body_limit=config.get("MAX_CONTENT_LENGTH"),
        trusted_hosts=tuple(config.get("TRUSTED_HOSTS") or ()),
        server_name=config.get("SERVER_NAME") or "",
        proxy_fix=proxy_hops(app) is not None,
        monitors=tuple(_monitors(app)),
        cookie_roles=roles,
        host_answers=host_answers,
        has_database=has_database,
    )


def _weakness(key: bytes) -> str:
    text = key.decode("utf-8", "replace").strip().lower()
    if text in _WEAK_KEYS:
        return "it is a word that every attacker tries first"
    if any(word in text for word in ("changeme", "change-me", "change_me", "change this", "your-secret", "insecure")):
        return "it says itself that it is a placeholder"
    if len(set(key)) < 5:
        return f"it has only {len(set(key))} different characters"
    return ""


def _monitors(app: Flask) -> Iterator[str]:
    """Slow-query logging that is active: engine listeners that are not ours, and extensions known to watch queries."""
    if app.config.get("SQLALCHEMY_RECORD_QUERIES"):
        yield "SQLALCHEMY_RECORD_QUERIES"
    # Not taken for the extension alone: it may log nothing (`SEATRIAL_SLOW_STATEMENT_MS = None`, a disabled logger).
    if getattr(app.extensions.get("seatrial.monitor"), "logs_slow_statements", False):
        yield "seatrial.monitor"
    for name in app.extensions:
        if "slow_query" in str(name) or str(name) == "sqlcommenter":
            yield f"extension {name}"
    listeners: dict[str, None] = {}
    for engine in living(Engine):  # an engine's listeners include those of the class
        for hook in ("before_cursor_execute", "after_cursor_execute"):
            for listener in getattr(engine.dispatch, hook, ()):
                function = getattr(listener, "__wrapped__", listener)
                module = getattr(function, "__module__", "") or ""
                if not module.startswith(("seatrial.observe", "flask_sqlalchemy", "sqlalchemy")):
                    listeners[f"engine listener {module}.{getattr(function, '__qualname__', '?')}"] = None
    yield from listeners


def _limiters(app: Flask) -> list[Any]:
    found = app.extensions.get("limiter", ())
    return list(found) if isinstance(found, (set, list, tuple, frozenset)) else [found]


def _hook_owner(app: Flask, module: str, cls: str) -> Any:
    """SeaSurf and Talisman leave nothing in `app.extensions`: they are the owners of bound before_request hooks."""
    kind = getattr(sys.modules.get(module), cls, None)
    if kind is None:
        return None
    for hooks in app.before_request_funcs.values():
        for hook in hooks:
            if isinstance(getattr(hook, "__self__", None), kind):
                return hook.__self__  # type: ignore[union-attr]
    return None


def proxy_hops(app: Flask) -> int | None:
    """Proxies whose X-Forwarded-For ProxyFix believes; None where there is no ProxyFix."""
    layer: Any = app.wsgi_app
    for _ in range(20):
        if type(layer).__name__ == "ProxyFix":
            return int(layer.x_for)
        layer = getattr(layer, "app", None) or getattr(layer, "wsgi_app", None)
        if layer is None:
            return None
    return None


def _library(distribution: str) -> str:
    try:
        return f"{distribution} {metadata.version(distribution)}"
    except metadata.PackageNotFoundError:
        return distribution


def csrf_name(app: Flask, endpoint: str) -> str:
    """The name by which the library has this view on its list of exempt views, or empty."""
    view = app.view_functions.get(endpoint)
    name = f"{getattr(view, '__module__', '')}.{getattr(view, '__name__', '')}"
    for owner in (app.extensions.get("csrf"), _hook_owner(app, "flask_seasurf", "SeaSurf")):
        if name in getattr(owner, "_exempt_views", ()):
            return name
    return ""


def csrf_library(app: Flask) -> str:
    """The library that checks every unsafe request, where there is one."""
    if "csrf" in app.extensions:
        return _library("Flask-WTF")
    return _library("Flask-SeaSurf") if _hook_owner(app, "flask_seasurf", "SeaSurf") is not None else ""


def hooks_before_csrf(app: Flask, endpoint: str = "") -> list[tuple[Any, str]]:
    """(hook, kind) that run before the library's own for a request to an endpoint, in the order of Flask.

    Kinds: `values` (a url_value_preprocessor: all of them run before any other hook), `app`, `blueprint`. Empty where
    no hook of the request checks a token.
    """
    parts = endpoint.split(".")[:-1]
    scopes = [None, *(".".join(parts[: number + 1]) for number in range(len(parts)))]
    found: list[tuple[Any, str]] = [
        (hook, "values") for scope in scopes for hook in app.url_value_preprocessors.get(scope, ())
    ]
    for scope in scopes:
        for hook in app.before_request_funcs.get(scope, ()):
            if _checks_token(app, hook):
                return found
            found.append((hook, "app" if scope is None else "blueprint"))
    return []


def _checks_token(app: Flask, hook: Any) -> bool:
    """The hook of Flask-WTF or Flask-SeaSurf, or one of the app's that calls Flask-WTF's by hand."""
    by_default = bool(app.config.get("WTF_CSRF_CHECK_DEFAULT", True))
    if getattr(hook, "__module__", "") == "flask_wtf.csrf":
        return by_default or getattr(hook, "__name__", "") == "protect"
    seasurf = _hook_owner(app, "flask_seasurf", "SeaSurf")
    if seasurf is not None and getattr(hook, "__self__", None) is seasurf:
        return True
    code = getattr(inspect.unwrap(hook), "__code__", None)
    return not by_default and "flask_wtf.csrf" in sys.modules and "protect" in getattr(code, "co_names", ())


def csrf_check() -> CodeType | None:
    """What a Flask-WTF form, or a view by hand, calls to check a token."""
    module = sys.modules.get("flask_wtf.csrf")
    return getattr(getattr(module, "validate_csrf", None), "__code__", None)


def new_csrf_token(app: Flask, headers: Mapping[str, str], base_url: str) -> tuple[str, str, Any] | None:
    """(field, token, what the session must hold) for the session of a request with these headers, by Flask-WTF."""
    module = sys.modules.get("flask_wtf.csrf")
    if module is None:
        return None
    field = str(app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token"))
    try:
        with app.test_request_context("/", base_url=base_url, headers=dict(headers)):
            return field, str(module.generate_csrf()), session.get(field)
    except Exception:  # no secret key, or a session of the app's that cannot be opened: then there is no token
        logging.getLogger(__name__).debug("no token could be generated", exc_info=True)
        return None
