"""The routes that need something only a person knows: the log-in form, webhooks, OAuth."""

import ast
import re
from dataclasses import dataclass

from seatrial.scaffold.project import Project, last_name, text_of
from seatrial.scaffold.views import View, calls, is_about, said

_LOGIN = r"log-?_?in|sign-?_?in"
_NOT_THE_LOGIN = r"oauth|google|github|whop|saml|sso|dev|debug|logout|two|2fa|mfa|otp|token|callback|api"
_USER_FIELDS = ("username", "email", "login", "user", "identifier", "name")
_SECRET_NAME = re.compile(r"[A-Z0-9_]*WEBHOOK[A-Z0-9_]*(SECRET|KEY)[A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Login:
    """The log-in form: where, and the names of its two fields."""

    path: str
    place: str
    user_field: str
    password_field: str
    has_page: bool = True
    """Something answers GET there: else there is no form that could be filled in."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook and what it seems to be signed with."""

    path: str
    place: str
    provider: str
    secret: str


@dataclass(frozen=True, slots=True)
class OAuthDoor:
    """Where OAuth begins and comes back; either may be empty."""

    login: str
    callback: str
    place: str


def login(project: Project, found: list[View]) -> Login | None:
    """The best guess at the log-in form: a view with POST, named so, whose page or code knows a password."""
    best: tuple[int, Login] | None = None
    for view in found:
        if not is_about(view, _LOGIN) or view.takes_arguments:
            continue
        user, password = credentials(field_names(project, view))
        if "POST" not in view.methods and not password:
            continue
        score = 4 * bool(password) + 2 * bool(user) + 2 * ("POST" in view.methods) - len(view.rule) // 20
        if re.search(_NOT_THE_LOGIN, f"{view.rule} {view.function.name}", re.IGNORECASE):
            score -= 5
        if best is None or score > best[0]:
            page = any("GET" in other.methods for other in found if other.rule == view.rule)
            best = score, Login(view.rule, view.place, user or "username", password or "password", page)
    return best[1] if best and best[0] > 0 else None


def webhooks(project: Project, found: list[View]) -> list[Hook]:
    """Every POST route whose path says webhook."""
    hooks: dict[str, Hook] = {}
    for view in found:
        if "webhook" not in view.rule.lower() or "POST" not in view.methods or view.takes_arguments:
            continue
        stripe = "stripe" in said(view)
        secrets = [name for name in _secret_names(project) if ("STRIPE" in name) is stripe]
        provider = "stripe" if stripe else "generic"
        hooks.setdefault(view.rule, Hook(view.rule, view.place, provider, secrets[0] if secrets else ""))
    return list(hooks.values())


def oauth(found: list[View]) -> OAuthDoor | None:
    """The start is the view that redirects to the provider; the way back says callback."""
    about = [v for v in found if is_about(v, "oauth|oidc|openid|authorize|callback") and not v.takes_arguments]
    about = [v for v in about if "webhook" not in v.rule and not is_about(v, "debug|config|settings")]
    back = next((v for v in about if is_about(v, "callback|authorized")), None)
    starts = [v for v in about if v is not back and "GET" in v.methods]
    start = next((v for v in starts if "authoriz" in said(v) or "redirect" in said(v)), None)
    if back is None and start is None:
        return None
    first = start or back
    assert first is not None
    return OAuthDoor(start.rule if start else "", back.rule if back else "", first.place)


def credentials(names: list[str]) -> tuple[str, str]:
    """Which of these fields are the user's name and the password; either may be empty."""
    password = next((name for name in names if re.search("pass|pwd", name, re.IGNORECASE)), "")
    return next((wanted for wanted in _USER_FIELDS if wanted in names), ""), password


def field_names(project: Project, view: View) -> list[str]:
    """Names of fields, from `request.form`, the page's inputs, `form.x` in the page, and the form class."""
    names: list[str] = []
    for node in ast.walk(view.function):
        match node:
            case ast.Subscript(value=ast.Attribute(attr="form" | "json"), slice=key):
                names.append(text_of(key) or "")
            case ast.Subscript(value=ast.Name(), slice=key, ctx=ast.Load()):
                names.append(text_of(key) or "")
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="form" | "json"), attr="get"), args=[key, *_]):
                names.append(text_of(key) or "")
            case ast.Call(func=ast.Attribute(value=ast.Name(), attr="get"), args=[key, *_]):
                names.append(text_of(key) or "")
            case ast.Attribute(value=ast.Attribute(value=ast.Name(), attr=field), attr="data"):
                names.append(field)
    for call in calls(view):
        names += _form_fields(project, view, call)
        if last_name(call.func) in ("render_template", "render") and call.args:
            names += _inputs(_template(project, text_of(call.args[0]) or ""))
    return [name for name in dict.fromkeys(names) if name]


def _form_fields(project: Project, view: View, call: ast.Call) -> list[str]:
    """Fields of the form class that a call makes: `LoginForm()`."""
    found = project.definition(view.module.dotted(call.func))
    if found is None or not found[1].lower().endswith("form"):
        return []
    module, name = found
    return [
        last_name(statement.targets[0])
        for cls in module.at_import()
        if isinstance(cls, ast.ClassDef) and cls.name == name
        for statement in cls.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)
        if "Field" in last_name(statement.value.func)
    ]


def _inputs(page: str) -> list[str]:
    names = []
    for tag in re.findall(r"<input\b[^>]*>", page, re.IGNORECASE):
        name = re.search(r"""\bname=["']([^"'{}]+)["']""", tag)
        if name and not re.search(r"""type=["']?(hidden|submit|checkbox)""", tag, re.IGNORECASE):
            names.append(name[1])
    return names + re.findall(r"\bform\.(\w+)\(", page)


def _template(project: Project, name: str) -> str:
    if not name or ".." in name or name.startswith("/"):
        return ""
    folders = {"", *(module.path.rpartition("/")[0] for module in project.app_modules)}
    paths = [f"{folder}/templates/{name}".lstrip("/") for folder in sorted(folders, key=lambda f: (f.count("/"), f))]
    return next((text for path in paths if (text := project.text(path))), "")


def _secret_names(project: Project) -> list[str]:
    """Names such as STRIPE_WEBHOOK_SECRET that the app's own code mentions."""
    names: set[str] = set()
    for module in project.app_modules:
        for node in module.nodes:
            text = text_of(node) or (node.id if isinstance(node, ast.Name) else "")
            if text and _SECRET_NAME.fullmatch(text):
                names.add(text)
    return sorted(names, key=lambda name: (len(name), name))
