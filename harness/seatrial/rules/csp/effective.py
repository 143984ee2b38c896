"""What several policies together let through: a load must pass every one of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from seatrial.rules.csp.bypasses import of_script
from seatrial.rules.csp.policy import Policy, SourceList
from seatrial.rules.csp.sources import Kind, Source, Url, matches

ATTACKER = "attacker.example"
_FOREIGN = (Url("https", ATTACKER), Url("http", ATTACKER))
_ANYWHERE = (
    (Url("data", path="text/javascript,"), "script written into a data: URL"),
    (Url("https", ATTACKER, "/x.js"), "script from every https host"),
    (Url("http", ATTACKER, "/x.js"), "script from every http host"),
)


class Hole(NamedTuple):
    """One way in for foreign script, past all policies at once."""

    kind: str
    """`inline`, `eval`, `data:`, `https:`, `http:`, `unrestricted`, or the host."""
    directive: str
    """The directive that lets it in; of several policies, the first one's."""
    value: str
    """The expression that does, as written; empty where no directive forbids it."""
    what: str
    """What can be done with it."""


def script_holes(policies: Sequence[Policy], own_scheme: str = "https") -> list[Hole]:
    """Every way that stays open when all policies are enforced together; empty where there is none."""
    if any(policy.scriptless for policy in policies):
        return []
    lists = [listed for policy in policies if (listed := policy.sources("script-src-elem")) is not None]
    if not lists:
        return [Hole("unrestricted", "script-src", "", "script of every kind from everywhere")]
    holes: list[Hole] = []
    if (hole := _inline(policies, lists)) is not None:
        holes.append(hole)
    evaluates = _eval(policies)
    if evaluates is not None:
        holes.append(evaluates)
    anywhere = list(_anywhere(lists, own_scheme)) if all(listed.broad for listed in lists) else []
    holes += anywhere
    if not any(hole.kind in ("https:", "http:") for hole in anywhere):
        holes += {hole.kind: hole for hole in _hosts(lists, own_scheme, evaluates is not None)}.values()
    return holes


def restricted(policies: Sequence[Policy], directive: str, own_scheme: str = "https") -> bool:
    """A foreign host is kept out of `directive` by at least one policy."""
    for policy in policies:
        listed = policy.sources(directive)
        if listed is None:
            continue
        if not any(matches(found, url, own_scheme) for found in listed.broad for url in _FOREIGN):
            return True
    return False


def _inline(policies: Sequence[Policy], lists: Sequence[SourceList]) -> Hole | None:
    if all(listed.inline for listed in lists):
        return Hole("inline", lists[0].directive, "'unsafe-inline'", "inline <script>")
    handlers = [policy.sources("script-src-attr") for policy in policies]
    if any(listed is not None and not listed.inline for listed in handlers):
        return None
    directive, value = next(((ls.directive, "'unsafe-inline'") for ls in handlers if ls), ("script-src-attr", ""))
    return Hole("inline", directive, value, "inline event handlers")


def _eval(policies: Sequence[Policy]) -> Hole | None:
    lists = [policy.sources("script-src") for policy in policies]
    if any(listed is not None and "'unsafe-eval'" not in listed.keywords for listed in lists):
        return None
    if any(policy.trusted_types for policy in policies):
        return None
    directive, value = next(((ls.directive, "'unsafe-eval'") for ls in lists if ls), ("script-src", ""))
    return Hole("eval", directive, value, "eval() of strings")


def _anywhere(lists: Sequence[SourceList], own_scheme: str) -> Iterator[Hole]:
    for url, what in _ANYWHERE:
        if not _script_from(lists, url, own_scheme):
            continue
        written = next(found.text for found in lists[0].broad if matches(found, url, own_scheme))
        yield Hole(f"{url.scheme}:", lists[0].directive, written, what)
        if url.scheme == "https":
            return  # http besides is no news


def _hosts(lists: Sequence[SourceList], own_scheme: str, evaluates: bool) -> Iterator[Hole]:
    """A host may stand in any of the lists, where another one lets it through by its scheme."""
    for listed in lists:
        others = [other for other in lists if other is not listed]
        for found in listed.allowed:
            for kind, url, what in _ways(found, own_scheme, evaluates):
                if _script_from(others, url, own_scheme):
                    yield Hole(kind, listed.directive, found.text, what)
                    break


def _ways(found: Source, own_scheme: str, evaluates: bool) -> Iterator[tuple[str, Url, str]]:
    if found.kind is not Kind.HOST:
        return
    if found.wildcard and found.value.count(".") == 1:  # *.com: whoever registers a name is in
        url = Url(found.scheme or own_scheme, f"attacker{found.value[1:]}", "/x.js")
        yield found.value, url, f"script from every host below {found.value[1:]}"
    for bypass in of_script(found, evaluates):
        yield bypass.url.host, bypass.url, f"script from {bypass.url.host}, which {bypass.way}"


def _script_from(lists: Sequence[SourceList], url: Url, own_scheme: str) -> bool:
    return all(any(matches(found, url, own_scheme) for found in listed.allowed) for listed in lists)
