"""How a view reads the body of a request, and what its JSON answers are made of."""

from __future__ import annotations

import re

from seatrial.model.structure import Piece
from seatrial.source.facts import Function, Module
from seatrial.source.project import Project

BODY, JSON = "body", "json"
_RAW = re.compile(r"request\.(get_data|data|stream)\b")
_METHODS = frozenset(
    {"model_validate", "model_validate_json", "model_validate_strings", "parse_obj", "parse_raw", "validate_python",
     "validate_json", "load", "loads", "from_dict", "structure", "deserialize"}
)  # fmt: skip
_DECORATORS = re.compile(
    r"(^|\.)(arguments|use_args|use_kwargs|validate|validate_json|validate_body|validate_schema|expects_json|expect|"
    r"doc_input|input|parse_body|json_schema|schema|accepts)$"
)
_FUNCTIONS = re.compile(
    r"(^|\.)(read_body|validate_body|validate_json|parse_body|load_body|from_request|jsonschema\.validate|parse_args)$"
)
_DUMPS = frozenset({"model_dump", "model_dump_json", "dump", "dumps", "asdict", "reply", "to_dict", "serialize"})
_BASES = re.compile(r"(^|\.)(BaseModel|Schema|SQLAlchemyAutoSchema|SQLAlchemySchema|Struct|RootModel)$")


def reads(function: Function) -> tuple[Piece, ...]:
    """Where the body is read. Raw bytes that are handed on as they are (to a signature check) are not parsed here."""
    parses = any(call.chain in ("json.loads", "loads", "orjson.loads") for call in function.calls)
    found = [(chain, line) for chain, line in function.body if parses or not _RAW.search(chain)]
    return tuple(Piece(BODY, line, chain) for chain, line in dict.fromkeys(sorted(found, key=lambda one: one[1])))


def validated(project: Project, module: Module, function: Function) -> str:
    """What checks the body as a whole, or empty."""
    forms = [call.chain for call in function.calls if re.fullmatch(r"(\w+\.)*\w*Form", call.chain)]
    asked = any(re.search(r"\.(validate_on_submit|validate)$", call.chain) for call in function.calls)
    if forms and asked:
        return forms[0]
    for decorator in function.decorators:
        if _DECORATORS.search(decorator.chain) and "limit" not in decorator.chain:
            return f"@{decorator.chain}"
    for call in function.calls:
        owner, _, last = call.chain.rpartition(".")
        if _FUNCTIONS.search(call.chain):
            return call.chain
        if last in _METHODS and owner and owner not in ("json", "orjson", "yaml", "pickle", "simplejson", "tomllib"):
            return call.chain
        if last[:1].isupper() and _is_model(project, module, call.chain):
            return call.chain
    return ""


def _is_model(project: Project, module: Module, chain: str, depth: int = 4) -> bool:
    """Whether calling it validates: a pydantic model or a marshmallow schema of the app's own."""
    found = project.cls(module, chain)
    if found is None or not depth:
        return False
    owner, cls = found
    return any(_BASES.search(base) or _is_model(project, owner, base, depth - 1) for base in cls.bases)


def handmade(function: Function) -> tuple[Piece, ...]:
    """JSON answers that are put together on the spot."""
    return tuple(Piece(JSON, line) for line in dict.fromkeys(line for line, by_hand in function.json if by_hand))


def typed_answer(function: Function) -> bool:
    return any(call.chain.rpartition(".")[2] in _DUMPS for call in function.calls)
