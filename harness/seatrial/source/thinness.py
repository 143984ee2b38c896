"""What a view does beside parsing, calling a service and answering."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.model.structure import BRANCH, CALCULATION, LOOP, QUERY, WRITE, Piece
from seatrial.source.facts import Branch, Function, Module
from seatrial.source.project import Project

_SESSION = r"(?:^|\.)(?:session|db_session|Session\(\)|get_session\(\))(?:\(\))?"
_WRITE = re.compile(
    rf"{_SESSION}\.(?:add|add_all|delete|merge|commit|flush|bulk_\w+)$"
    r"|(?:^|\.)[A-Z]\w*\.query\b.*\.(?:delete|update)$|(?:^|\.)query\(\).*\.(?:delete|update)$"
)
_QUERY = re.compile(
    rf"{_SESSION}\.(?:execute|scalars?|query|get|get_one|stream|refresh)\b"
    r"|(?:^|\.)[A-Z]\w*\.query\b|^db\.(?:paginate|get_or_404|first_or_404|one_or_404)$"
)
_INPUT = frozenset(
    {"request", "session", "g", "current_app", "current_user", "isinstance", "len", "str", "int", "float", "bool",
     "any", "all", "set", "list", "dict", "hasattr", "getattr", "True", "False", "None", "flask", "form"}
)  # fmt: skip
_VISITOR = re.compile(r"current_user(\.(is_\w+|has_\w+|can\w*|id|role)\b.*)?$")


def pieces(project: Project, module: Module, function: Function) -> tuple[Piece, ...]:
    """Loops, branches on what is no input, queries, writes and calculations, in the order of lines."""
    found = [Piece(LOOP, line) for line in function.loops]
    found += [Piece(CALCULATION, line) for line in dict.fromkeys(function.calculations)]
    found += database(project, module, function)
    inputs = _inputs(function)
    lines = dict.fromkeys(branch.line for branch in function.branches if _decides(branch, inputs))
    found += [Piece(BRANCH, line) for line in lines]
    return tuple(sorted(found, key=lambda piece: (piece.line, piece.kind)))


def database(project: Project, module: Module, function: Function) -> Iterator[Piece]:
    """Statements that a function sends by itself, and what it does to the session."""
    for call in function.calls:
        if (kind := kind_of(call.chain)) and not _is_cookie(project, module, function, call.chain):
            yield Piece(kind, call.line, f"{call.chain}()".replace("()()", "()"))


def kind_of(chain: str) -> str:
    if "session" not in chain and "query" not in chain and not chain.startswith("db."):
        return ""
    if _WRITE.search(chain):
        return WRITE
    return QUERY if _QUERY.search(chain) else ""


def _is_cookie(project: Project, module: Module, function: Function, chain: str) -> bool:
    """`session.get("theme")` of Flask's cookie, and of objects that are no session of the database."""
    first = chain.partition(".")[0]
    if first not in ("session", "flask"):
        return False
    made = project.made_of(module, first, function)
    return made.startswith("flask") or "requests" in made or "boto3" in made


def _decides(branch: Branch, inputs: set[str]) -> bool:
    """Whether a branch is more than a look at the input, or the choice of an answer."""
    if branch.answers:
        return False
    if branch.nested:
        return True
    return not all(_root(name) in inputs and _about_input(name) for name in branch.names)


def _about_input(name: str) -> bool:
    return not name.startswith("current_user") or _VISITOR.match(name) is not None


def _inputs(function: Function) -> set[str]:
    """Names that hold what came with the request: assigned from nothing but the request, a form, or one another."""
    known = set(_INPUT)
    for assigned in sorted(function.assigned, key=lambda one: one.line):
        roots = {_root(name) for name in assigned.names}
        if roots and all(root in known or root.endswith("Form") for root in roots):
            known.add(assigned.name)
    return known


def _root(name: str) -> str:
    return re.split(r"[.(\[]", name, maxsplit=1)[0]
