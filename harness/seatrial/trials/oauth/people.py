"""Who logs in: what the provider says of them, and how they are told from a stranger afterwards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from seatrial.target import Target
    from seatrial.target.reply import Reply

NEWCOMER = "seatrial@nobody.example"
KNOWN = 2
"""Seeded addresses that are tried."""
_PERSON = re.compile(r"user|uid|account|member|subject|\bsub\b|e?mail|identity|profile|person|login", re.IGNORECASE)
_NO_PERSON = re.compile(r"^_(flashes|fresh|permanent|state_)|csrf|state|nonce|verifier|^next|^seatrial", re.IGNORECASE)


def people(target: Target) -> list[dict[str, Any]]:
    """What the provider may say, the likeliest to be let in first; each is somebody else."""
    given = target.settings.oauth.claims if target.settings.oauth is not None else {}
    addresses = [str(given["email"])] if "email" in given else [*_seeded(target), NEWCOMER]
    found = [_claims(number, address, given) for number, address in enumerate(addresses, 1)]
    # there must be somebody else for userinfo to speak of, whatever the claims that are given
    return found if len({person["sub"] for person in found}) > 1 else [*found, _claims(0, NEWCOMER, {})]


def _claims(number: int, address: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sub": f"seatrial-{number}",
        "email": address,
        "email_verified": True,
        "name": "Sea Trial",
        "preferred_username": address.partition("@")[0],
        **given,
    }


def _seeded(target: Target) -> list[str]:
    """E-mail addresses of the seeded users; first that of the first identity, where its fields lead to its row."""
    import sqlalchemy as sa

    fields = target.settings.identities[0].fields if target.settings.identities else {}
    found: dict[str, None] = {}
    for bind in target.binds:
        for table in bind.metadata.tables.values() if bind.metadata is not None else ():
            column = table.columns.get("email")
            if column is None:
                continue
            named = [table.columns[name] == value for name, value in fields.items() if name in table.columns]
            queries = [sa.select(column).where(sa.or_(*named))] if named else []
            try:
                with target.connection() as connection:
                    for query in (*queries, sa.select(column)):
                        found.update(dict.fromkeys(connection.execute(query.limit(KNOWN)).scalars()))
            except sa.exc.SQLAlchemyError:  # a table that was never made, or a field of another type
                continue
    return [str(address) for address in found if "@" in str(address)][:KNOWN]


@dataclass(slots=True)
class Proof:
    """How somebody who is logged in is told from a stranger: by a page, else by what the session holds."""

    path: str = ""
    keys: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.path or self.keys)

    def __str__(self) -> str:
        return f"GET {self.path}" if self.path else f"the session has {', '.join(sorted(self.keys))}" if self else ""

    def holds(self, target: Target, client: FlaskClient) -> bool:
        from seatrial.target.identities import session_keys

        if self.path:
            return 200 <= target.send(client, "GET", self.path).status < 300
        return bool(self.keys & session_keys(target, client))


def proof_of(target: Target, client: FlaskClient, before: frozenset[str], reply: Reply) -> Proof:
    """What shows that this client is logged in, or a proof that is false. `before`: the session before the callback."""
    from seatrial.observe.redaction import location_path
    from seatrial.target import identities

    given = target.settings.oauth.proof if target.settings.oauth is not None else None
    landing = location_path(reply.header("Location")) if 300 <= reply.status < 400 else ""
    gained = _people_in(identities.session_keys(target, client) - before)
    known = [session.proof for session in target.sessions.values() if session.proof]
    # All pages are looked at only where the session says that it may be worth it.
    for path in [given] if given else [landing, *known]:
        if path and (found := identities.proof_of(target, client, path, "")):
            return Proof(found)
    if given or not gained:
        return Proof()
    return Proof(
        identities.proof_of(target, client, None, ""), frozenset(name for name in gained if _PERSON.search(name))
    )


def who(session: Mapping[str, Any]) -> dict[str, str]:
    """What a session says of the person, to be compared with another one; it never leaves the host."""
    return {name: repr(session[name]) for name in _people_in(session) if _PERSON.search(name)}


def _people_in(names: Any) -> set[str]:
    return {name for name in names if not _NO_PERSON.search(name)}
