"""Authentication by tokens: where the source asks for one, and the view that seems to hand them out."""

import ast
import re
from dataclasses import dataclass

from seatrial.scaffold.doors import credentials, field_names
from seatrial.scaffold.project import Module, Project, keyword, last_name, text_of
from seatrial.scaffold.views import View, is_about

# In the order in which they are believed: many an app takes a password only to hand out a token.
_LIBRARIES = {"HTTPTokenAuth": "Bearer", "JWTManager": "Bearer", "HTTPBasicAuth": "Basic"}
_PACKAGES = frozenset({"flask_httpauth", "flask_jwt_extended", "apiflask"})
_SCHEME = re.compile(r"(Bearer|Basic|Token|JWT)\b\s*")
_HANDS_OUT = r"token|log_?-?in|sign_?-?in"
_MAY = rf"{_HANDS_OUT}|auth"
_DOES_NOT = (
    "refresh|revoke|reset|forgot|verif|confirm|log_?-?out|register|sign_?-?up|webhook|callback|csrf|google|github|oauth"
)


@dataclass(frozen=True, slots=True)
class Issuer:
    """A view that seems to hand out tokens, and how it seems to be asked."""

    path: str
    place: str
    basic: bool
    """Name and password are sent as the request's own authentication, not in its body."""
    fields: tuple[str, str]
    """What the body calls name and password."""
    answer: str
    """What the answer calls the token."""


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """What asks for a token."""

    what: str
    place: str
    scheme: str
    """The word before the token in the header; empty where the source does not say."""
    issuer: Issuer | None


def token_auth(project: Project, found: list[View]) -> TokenAuth | None:
    """The first library that asks for one, else the first place that reads the header itself."""
    for library, usual in _LIBRARIES.items():
        for module in project.app_modules:
            for node in module.nodes:
                if isinstance(node, ast.Call) and (package := _package(module, node, library)):
                    scheme = _own_scheme(project, node, library) or usual
                    return _asked(project, found, f"{library} of {package}", module.place(node), scheme)
    for module in project.app_modules:
        for node in module.nodes:
            if _reads_header(node) and "webhook" not in (around := _around(module, node))[0].lower():
                return _asked(project, found, "the Authorization header", module.place(node), around[1])
    return None


def _asked(project: Project, found: list[View], what: str, place: str, scheme: str) -> TokenAuth:
    # Name and password in every request: nothing is handed out that would have to be asked for.
    return TokenAuth(what, place, scheme, None if scheme == "Basic" else _issuer(project, found))


def _package(module: Module, call: ast.Call, library: str) -> str:
    package, _, name = module.dotted(call.func).rpartition(".")
    top = package.partition(".")[0]
    return top if name == library and top in _PACKAGES else ""


def _own_scheme(project: Project, call: ast.Call, library: str) -> str:
    """Another word than the usual: `HTTPTokenAuth("Token")`, `JWT_HEADER_TYPE = "Token"`."""
    if library == "HTTPTokenAuth":
        return text_of(call.args[0] if call.args else keyword(call, "scheme")) or ""
    for module in project.app_modules if library == "JWTManager" else ():
        for node in module.nodes:
            match node:
                case ast.Assign(targets=[ast.Subscript(slice=target) | target], value=value):
                    if (text_of(target) or last_name(target)) == "JWT_HEADER_TYPE":
                        return text_of(value) or ""
    return ""


def _reads_header(node: ast.AST) -> bool:
    """`request.headers["Authorization"]`, `request.headers.get("Authorization")` and `request.authorization`."""
    match node:
        case ast.Subscript(value=ast.Attribute(value=owner, attr="headers"), slice=key):
            name = text_of(key)
        case ast.Call(func=ast.Attribute(value=ast.Attribute(value=owner, attr="headers"), attr="get"), args=[key, *_]):
            name = text_of(key)
        case ast.Attribute(value=owner, attr="authorization"):
            name = "authorization"
        case _:
            return False
    return last_name(owner) == "request" and (name or "").lower() == "authorization"


def _around(module: Module, node: ast.AST) -> tuple[str, str]:
    """The name of the function that reads the header, and the scheme that it knows."""
    for above in module.ancestors(node):
        if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
            texts = [text for inner in ast.walk(above) if (text := text_of(inner))]
            return above.name, next((match[1] for text in texts if (match := _SCHEME.fullmatch(text))), "")
    return "", ""


def _issuer(project: Project, found: list[View]) -> Issuer | None:
    """The likeliest POST view: its path or name says token or log-in, its code names a token."""
    best: tuple[int, View] | None = None
    for view in found:
        if "POST" not in view.methods or view.takes_arguments or not is_about(view, _MAY) or is_about(view, _DOES_NOT):
            continue
        score = 2 * _names_token(view) + bool(is_about(view, _HANDS_OUT))
        if score and (best is None or score > best[0]):
            best = score, view
    if best is None:
        return None
    view = best[1]
    arguments = view.function.args
    names = [*field_names(project, view), *(one.arg for one in (*arguments.args, *arguments.kwonlyargs))]
    user, password = credentials(names)
    basic = not password and any(
        "basic" in name.lower() for one in view.function.decorator_list for name in _named(one)
    )
    return Issuer(view.rule, view.place, basic, (user or "username", password or "password"), _answer(view))


def _names_token(view: View) -> bool:
    return any("token" in name.lower() for statement in view.function.body for name in _named(statement))


def _answer(view: View) -> str:
    """A key such as `{"token": …}` or `jsonify(access_token=…)`, of the view or beside it; else the usual one."""
    keys: list[str] = []
    for node in (*ast.walk(view.function), *view.module.nodes):
        match node:
            case ast.Dict(keys=found):
                keys += [text for key in found if (text := text_of(key))]
            case ast.Call(func=func, keywords=keywords) if last_name(func) in ("jsonify", "dict"):
                keys += [one.arg for one in keywords if one.arg]
    told = (key for key in keys if "token" in key.lower() and "refresh" not in key.lower())
    return next(told, "token")


def _named(node: ast.AST) -> list[str]:
    found = [last_name(inner) or text_of(inner) or "" for inner in ast.walk(node)]
    return [name for name in found if name.isidentifier()]
