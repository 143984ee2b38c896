"""What one key alone cannot tell: keys against each other, against the disk, against the harm they could do.

Every check reads the raw tables, tolerates what pydantic has already refused, and yields all it finds.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from seatrial.config.fill import PLACEHOLDER, texts
from seatrial.config.mistakes import Mistake, did_you_mean

_LIVE_KEY = re.compile(r"(?<![A-Za-z0-9])([sr]k|whsec)_live_")
_NEAR_PLACEHOLDER = re.compile(r"\{\s*(?:data_?base|db)_?ur[il]\s*\}", re.IGNORECASE)
_LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1|")
_TOOLS = ("ruff", "mypy", "bandit", "pytest")


def cross_checks(tables: Mapping[str, Any], root: Path) -> Iterator[Mistake]:
    """Every mistake that needs more than one value. `tables` are raw, with `env:NAME` resolved."""
    yield from _paths(tables, root)
    yield from _factory(tables)
    yield from _identities(tables)
    yield from _oauth(tables)
    yield from _webhooks(tables)
    yield from _growth(tables)
    yield from _environment_names(tables)
    yield from _live_keys(tables)
    yield from _placeholders(tables)
    yield from _database_host(tables)


def unknown_rules(rules: Collection[str], known: Collection[str]) -> Iterator[Mistake]:
    """Codes that are no rule's. Rules of the tools (`ruff:F401`) are known to the tools alone."""
    for code in rules:
        if code in known or code.partition(":")[0] in _TOOLS:
            continue
        yield Mistake(f"rules.{code}", f"is no rule; {did_you_mean(code, known, '`seatrial rules` lists them')}")


def _paths(tables: Mapping[str, Any], root: Path) -> Iterator[Mistake]:
    for key in ("services", "routes", "sources"):
        for index, path in enumerate(_list(tables.get(key))):
            if isinstance(path, str) and path and not (root / path).exists():
                yield Mistake(f"{key}[{index}]", f'there is no "{path}" in the project; correct the path or delete it')
    canonical = tables.get("canonical")
    for table, path in canonical.items() if isinstance(canonical, dict) else ():
        if isinstance(path, str) and path and not (root / path).exists():
            yield Mistake(f"canonical.{table}", f'there is no "{path}" in the project; correct the path or delete it')
    conftest = tables.get("conftest")
    if isinstance(conftest, str) and conftest and not (root / conftest).is_file():
        yield Mistake("conftest", f'there is no file "{conftest}" in the project; correct the path or delete the key')
    state = tables.get("state")
    if isinstance(state, str) and state and (root / state).is_file():
        yield Mistake("state", f'"{state}" is a file; name a folder')


def _factory(tables: Mapping[str, Any]) -> Iterator[Mistake]:
    factory, argument = tables.get("factory", "auto"), tables.get("factory_argument")
    if factory in ("class", "string") and argument is None:
        example = '"app.config:Production"' if factory == "class" else '"production"'
        yield Mistake("factory_argument", f'is missing for factory = "{factory}"; add factory_argument = {example}')
    if factory in ("dict", "kwargs", "none") and argument is not None:
        yield Mistake(
            "factory_argument", f'does nothing with factory = "{factory}"; delete it, or use "class" or "string"'
        )


def _identities(tables: Mapping[str, Any]) -> Iterator[Mistake]:
    identities = [entry if isinstance(entry, dict) else {} for entry in _list(tables.get("identities"))]
    counts = Counter(name for entry in identities if isinstance(name := entry.get("name"), str))
    for index, entry in enumerate(identities):
        key, name = f"identities[{index}]", entry.get("name")
        if isinstance(name, str) and counts[name] > 1 and any(e.get("name") == name for e in identities[:index]):
            yield Mistake(f"{key}.name", f'"{name}" is taken by another identity; give each its own name')
        ways = [way for way in ("login", "headers", "call") if entry.get(way)]
        if len(ways) > 1:
            yield Mistake(key, f"logs in by {' and '.join(ways)}; keep one of login, headers, call")
        if not ways and entry.get("user_id") is None:
            yield Mistake(key, "says nothing of how to log in; add one of login (with fields), headers, call, user_id")
        if "login" in ways and not entry.get("fields"):
            yield Mistake(f"{key}.fields", 'is missing; add fields = { username = "…", password = "env:NAME" }')
        if "login" not in ways and entry.get("fields"):
            yield Mistake(f"{key}.fields", "does nothing without login; add login, the path of the form")
        if entry.get("user_id") is not None and ways and ways != ["login"]:
            yield Mistake(f"{key}.user_id", f"does nothing beside {ways[0]}; delete it")


def _oauth(tables: Mapping[str, Any]) -> Iterator[Mistake]:
    if tables.get("oauth") == {}:
        yield Mistake("oauth", "is empty; add login or callback, or delete the table")


def _growth(tables: Mapping[str, Any]) -> Iterator[Mistake]:
    for index, entry in enumerate(_list(tables.get("growth"))):
        if not isinstance(entry, dict):
            continue
        if entry.get("json") is not None and entry.get("form"):
            yield Mistake(f"growth[{index}]", "sends json and form; keep one of them")
        route = entry.get("route")
        if isinstance(route, str) and route.startswith(("GET ", "HEAD ")):
            if not entry.get("query"):
                yield Mistake(f"growth[{index}]", f'"{route}" is tried without being named; add query, or delete it')
            if entry.get("json") is not None or entry.get("form"):
                yield Mistake(f"growth[{index}]", f'"{route}" has no body; use query in place of json and form')


def _webhooks(tables: Mapping[str, Any]) -> Iterator[Mistake]:
    seen: set[str] = set()
    for index, entry in enumerate(_list(tables.get("webhooks"))):
        if not isinstance(entry, dict):
            continue
        key, provider, path = f"webhooks[{index}]", entry.get("provider"), entry.get("path")
        if provider == "generic" and entry.get("sign") is None:
            yield Mistake(f"{key}.sign", 'is missing for provider = "generic"; add sign = "tests.trial:sign"')
        if provider in ("stripe", "standard"):
            if entry.get("sign") is not None:
                yield Mistake(f"{key}.sign", f'does nothing with provider = "{provider}"; delete it, or use "generic"')
            if not entry.get("secret_config"):
                yield Mistake(f"{key}.secret_config", "is missing; name the key of app.config that holds the secret")
        if isinstance(path, str):
            if path in seen:
                yield Mistake(f"{key}.path", f'"{path}" is listed twice; merge the two')
            seen.add(path)


def _environment_names(tables: Mapping[str, Any]) -> Iterator[Mistake]:
    for prefix, table in (("", tables), ("sweep.", tables.get("sweep")), ("protection.", tables.get("protection"))):
        env = table.get("env") if isinstance(table, Mapping) else None
        for name, value in env.items() if isinstance(env, dict) else ():
            if not name or "=" in name or "\0" in name:
                yield Mistake(f"{prefix}env.{name!r}", "cannot be the name of an environment variable; rename it")
            if isinstance(value, str) and "\0" in value:
                yield Mistake(f"{prefix}env.{name}", "holds a NUL, which no environment variable can; delete it")


def _live_keys(tables: Mapping[str, Any]) -> Iterator[Mistake]:
    for key, text in texts(tables):
        if _LIVE_KEY.search(text):
            yield Mistake(key, "is a live Stripe key: a trial would move real money; use one that begins with sk_test_")


def _placeholders(tables: Mapping[str, Any]) -> Iterator[Mistake]:
    for section in ("env", "config", "sweep", "protection"):
        for key, text in texts(tables.get(section), section):
            for slip in _NEAR_PLACEHOLDER.findall(text.replace(PLACEHOLDER, "")):
                yield Mistake(key, f"{slip} is not filled in; did you mean {PLACEHOLDER}?")


def _database_host(tables: Mapping[str, Any]) -> Iterator[Mistake]:
    database, allowed = tables.get("database"), _list(tables.get("allow_hosts"))
    url = database.get("url") if isinstance(database, dict) else None
    if not isinstance(url, str) or not url.startswith("postgresql"):
        return
    for host in _hosts(url):
        if host not in allowed and not _LOOPBACK.fullmatch(host) and not host.startswith("/"):
            yield Mistake(
                "database.url", f'"{host}" is not this machine; add allow_hosts = ["{host}"] if trials may write there'
            )


def _hosts(url: str) -> list[str]:
    """Every host that libpq would try: the authority may list several, and `?host=` wins over it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    authority = parts.netloc.rpartition("@")[2]
    listed = [*authority.split(","), *(h for value in parse_qs(parts.query).get("host", []) for h in value.split(","))]
    return [re.sub(r":\d*$", "", host).strip("[]") for host in listed]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
