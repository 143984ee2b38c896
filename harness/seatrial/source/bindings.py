"""Which functions answer which URLs: blueprints with their prefixes, decorators, add_url_rule, view classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from seatrial.source.facts import Class, Function, Module, Ref, Value, Wire
from seatrial.source.project import Project

_VERBS = ("get", "post", "put", "patch", "delete")
_HANDLERS = (*_VERBS, "head", "options", "dispatch_request")
_CLIENTS = frozenset({"client", "test_client", "requests", "session", "http", "httpx", "self.client"})


@dataclass(eq=False, slots=True)
class Blueprint:
    key: str
    """Dotted, of the variable."""
    name: str
    """As it is registered, with its parents (`admin.users`)."""
    prefix: str | None
    own_prefix: str | None
    registered: bool = False
    parents: list[Blueprint] = field(default_factory=list)
    line: int = 0
    opaque: bool = False
    """Something is bound to it that reading cannot tell."""


@dataclass(eq=False, slots=True)
class Bound:
    """One rule bound to one endpoint."""

    endpoint: str
    blueprint: str
    rule: str | None
    methods: tuple[str, ...]
    module: Module
    line: int
    views: tuple[tuple[Module, Function], ...] = ()
    """The function, or the handlers of a view class."""
    registered: bool = True
    unseen: str = ""


@dataclass(slots=True)
class Map:
    """The url map as far as the source tells."""

    bound: list[Bound] = field(default_factory=list)
    blueprints: list[Blueprint] = field(default_factory=list)
    opaque: str = ""
    """Why there may be endpoints that reading did not find, or empty."""

    @property
    def endpoints(self) -> set[str]:
        return {one.endpoint for one in self.bound}


def bindings(project: Project) -> Map:
    return _Binder(project).run()


class _Binder:
    def __init__(self, project: Project) -> None:
        self.p = project
        self.map = Map()
        self.known: dict[str, Blueprint] = {}
        """By key; of several that one variable was given, the last."""
        self.lost: dict[str, list[Blueprint]] = {}
        """The earlier ones."""

    def run(self) -> Map:
        for module in self.p.modules.values():
            for variable, wires in module.blueprints.items():
                for wire in wires:
                    self._blueprint(module, variable, wire)
        for module in self.p.modules.values():
            for wire in module.wiring:
                if wire.chain.rpartition(".")[2] in ("register_blueprint", "register_api"):
                    self._register(module, wire)
        for blueprint in self.known.values():
            self._join(blueprint)
        for module in self.p.modules.values():
            self._decorated(module)
            for wire in module.wiring:
                last = wire.chain.rpartition(".")[2]
                if last == "add_url_rule":
                    self._added(module, wire)
                elif last == "add_resource":
                    self._resource(module, wire)
                elif last == "add_view":
                    self.map.opaque = self.map.opaque or f"{module.path}:{wire.line} adds views of a library"
            if module.dynamic and any(w.chain.endswith("register_blueprint") for w in module.wiring):
                self.map.opaque = self.map.opaque or f"{module.path} imports blueprints by a name known at run time"
        self.map.blueprints = list(self.known.values())
        return self.map

    # ------------------------------------------------------------------ blueprints
    def _blueprint(self, module: Module, variable: str, wire: Wire) -> None:
        name = wire.arguments[0] if wire.arguments else wire.keywords.get("name")
        prefix = wire.keywords.get("url_prefix", "")
        key = f"{module.name}.{variable}"
        text = name if isinstance(name, str) else ""
        blueprint = Blueprint(key, text, prefix if isinstance(prefix, str) else None, None)
        blueprint.own_prefix = blueprint.prefix
        blueprint.opaque = not text
        blueprint.line = wire.line
        if key in self.known:  # what was bound above this line is bound to the other one, which has lost its name
            self.lost.setdefault(key, []).append(self.known[key])
        self.known[key] = blueprint

    def _register(self, module: Module, wire: Wire) -> None:
        if not wire.arguments and not wire.keywords:
            return
        what = wire.arguments[0] if wire.arguments else wire.keywords.get("blueprint")
        targets = self.p.expand(module, what, wire.scope)
        prefixes = self.p.expand(module, wire.keywords.get("url_prefix", ""), wire.scope)
        parent = self.of(module, wire.chain.rpartition(".")[0], wire.scope)
        for index, target in enumerate(targets):
            blueprint = self.of(module, target.chain, wire.scope) if isinstance(target, Ref) else None
            if blueprint is None:
                self.map.opaque = self.map.opaque or f"{module.path}:{wire.line} registers a blueprint by another name"
                continue
            given = prefixes[index] if len(prefixes) == len(targets) else prefixes[0]
            prefix = blueprint.own_prefix
            if "url_prefix" in wire.keywords:
                prefix = given if isinstance(given, str) else None
            if blueprint.registered and blueprint.prefix != prefix:
                prefix = None  # registered in two places, of which one may be dead
            blueprint.registered, blueprint.prefix = True, prefix
            renamed = wire.keywords.get("name")
            if isinstance(renamed, str):
                blueprint.name = renamed
            if parent is not None and parent is not blueprint:
                blueprint.parents.append(parent)

    def _join(self, blueprint: Blueprint, depth: int = 5) -> None:
        """Names and prefixes of nested blueprints are those of their parents with the own behind."""
        if not blueprint.parents or not depth:
            return
        parent = blueprint.parents.pop()
        self._join(parent, depth - 1)
        if parent.name:
            blueprint.name = f"{parent.name}.{blueprint.name}"
        if parent.prefix is None or blueprint.prefix is None:
            blueprint.prefix = None
        else:
            blueprint.prefix = joined(parent.prefix, blueprint.prefix)

    def of(self, module: Module, chain: str, scope: str = "", line: int = 0) -> Blueprint | None:
        """The blueprint that a chain names: a variable here or elsewhere, or what a function makes and returns.

        `line`: where it is named, for a variable that was given several.
        """
        inner = scope
        while inner:
            if (found := self.known.get(f"{module.name}.{inner}.{chain}")) is not None:
                return found
            inner = inner.rpartition(".<locals>.")[0]
        if chain.endswith("()"):
            made = self.p.function(module, chain[:-2], scope)
            if made is None:
                return None
            owner, function = made
            return next(
                (
                    blueprint
                    for name in function.returned
                    if (blueprint := self.known.get(f"{owner.name}.{function.qualname}.{name}")) is not None
                ),
                None,
            )
        if (found := self.known.get(f"{module.name}.{chain}")) is not None and chain not in module.imports:
            if line and line < found.line:
                above = [one for one in self.lost.get(found.key, ()) if one.line <= line]
                return above[-1] if above else found
            return found
        located = self.p.locate(self.p.dotted(module, chain))
        if located is None:
            return None
        owner, name = located
        found = self.known.get(f"{owner.name}.{name}")
        if found is None and name and "(" not in name:
            for assigned in owner.body.assigned:  # bp = make_bp()
                if assigned.name == name and assigned.chain != name and assigned.chain.endswith("()"):
                    return self.of(owner, assigned.chain)
        return found

    # ------------------------------------------------------------------ views
    def _decorated(self, module: Module) -> None:
        for function in module.functions.values():
            for decorator in function.decorators:
                if decorator.wire is not None:
                    self._decorator(module, decorator.wire, function.name, ((module, function),), function.line)
        for cls in module.classes.values():
            for decorator in cls.decorators:
                if decorator.wire is not None:
                    views = tuple(self._handlers(module, cls))
                    self._decorator(module, decorator.wire, cls.name, views, cls.line)

    def _decorator(
        self, module: Module, wire: Wire, name: str, views: tuple[tuple[Module, Function], ...], line: int
    ) -> None:
        owner, _, verb = wire.chain.rpartition(".")
        rule = wire.arguments[0] if wire.arguments else wire.keywords.get("rule")
        if isinstance(rule, str) and rule and not rule.startswith("/"):
            return
        blueprint = self.of(module, owner, wire.scope, wire.line)
        if blueprint is None and not self._is_app(module, owner, wire):
            return
        methods = (verb.upper(),) if verb in _VERBS else _methods(wire.keywords.get("methods"))
        self._bind(module, blueprint, rule, wire.keywords.get("endpoint"), name, methods, views, line)

    def _is_app(self, module: Module, owner: str, wire: Wire) -> bool:
        """Whether `@owner.get("/x")` speaks of an app: a decorator of some other library has another argument."""
        if owner in _CLIENTS or not owner:
            return False
        rule = wire.arguments[0] if wire.arguments else wire.keywords.get("rule")
        return isinstance(rule, str) or wire.chain.endswith(".route")

    def _added(self, module: Module, wire: Wire) -> None:
        arguments = dict(zip(("rule", "endpoint", "view_func"), wire.arguments, strict=False)) | wire.keywords
        blueprint = self.of(module, wire.chain.rpartition(".")[0], wire.scope, wire.line)
        rules = self.p.expand(module, arguments.get("rule"), wire.scope)
        endpoints = self.p.expand(module, arguments.get("endpoint"), wire.scope)
        targets = self.p.expand(module, arguments.get("view_func"), wire.scope)
        times = max(len(rules), len(targets))
        for index in range(times):
            rule, target = rules[index % len(rules)], targets[index % len(targets)]
            name, views = self._viewed(module, target, wire.scope)
            methods = _methods(wire.keywords.get("methods"), default=_of(views))
            self._bind(module, blueprint, rule, endpoints[index % len(endpoints)], name, methods, views, wire.line)

    def _viewed(self, module: Module, target: Value, scope: str) -> tuple[str, tuple[tuple[Module, Function], ...]]:
        if not isinstance(target, Ref):
            return "", ()
        chain = target.chain
        if chain.endswith(".as_view"):
            cls = self.p.cls(module, chain.removesuffix(".as_view"), scope)
            return "", tuple(self._handlers(*cls)) if cls else ()
        found = self.p.function(module, chain, scope)
        if found is None:
            for assigned in (*module.body.assigned,):  # view = Items.as_view("items")
                if assigned.name == chain and assigned.chain.endswith(".as_view()"):
                    return self._viewed(module, Ref(assigned.chain.removesuffix("()")), scope)
            return chain.rpartition(".")[2].removesuffix("()"), ()
        return found[1].name, (found,)

    def _resource(self, module: Module, wire: Wire) -> None:
        """Flask-RESTful: `api.add_resource(Items, "/items")`."""
        target = wire.arguments[0] if wire.arguments else None
        cls = self.p.cls(module, target.chain, wire.scope) if isinstance(target, Ref) else None
        if cls is None:
            self.map.opaque = self.map.opaque or f"{module.path}:{wire.line} adds a resource that was not found"
            return
        self.map.opaque = self.map.opaque or f"{module.path}:{wire.line} adds resources with names of a library"
        views = tuple(self._handlers(*cls))
        for rule in wire.arguments[1:]:
            self._bind(module, None, None if not isinstance(rule, str) else rule, wire.keywords.get("endpoint"),
                       cls[1].name.lower(), _of(views), views, wire.line)  # fmt: skip

    def _handlers(self, module: Module, cls: Class, depth: int = 4) -> Iterator[tuple[Module, Function]]:
        """The methods that answer, own and inherited."""
        own = [function for name, function in cls.methods.items() if name in _HANDLERS]
        yield from ((module, function) for function in own)
        if depth and not own:
            for base in cls.bases:
                found = self.p.cls(module, base)
                if found is not None:
                    yield from self._handlers(*found, depth - 1)

    def _bind(
        self,
        module: Module,
        blueprint: Blueprint | None,
        rule: Value,
        endpoint: Value,
        name: str,
        methods: tuple[str, ...],
        views: tuple[tuple[Module, Function], ...],
        line: int,
    ) -> None:
        own = endpoint if isinstance(endpoint, str) else name
        if not own or not (endpoint is None or isinstance(endpoint, str)):
            where = f"{module.path}:{line} binds an endpoint whose name is made at run time"
            self.map.opaque = self.map.opaque or where
            if not own:
                return
        full = f"{blueprint.name}.{own}" if blueprint is not None else own
        text: str | None = rule if isinstance(rule, str) else None
        if blueprint is not None:
            # Registered where reading does not follow, it may have got any prefix there.
            known = blueprint.prefix is not None and text is not None and blueprint.registered
            text = joined(blueprint.prefix or "", text or "") if known else None
        self.map.bound.append(
            Bound(
                full,
                blueprint.name if blueprint is not None else "",
                text,
                methods,
                module,
                line,
                views,
                blueprint is None or blueprint.registered,
                "" if views else f"the function bound at {module.path}:{line} was not found in the source",
            )
        )


def joined(prefix: str, rule: str) -> str:
    """As Flask joins them."""
    if not prefix:
        return rule
    return f"{prefix.rstrip('/')}/{rule.lstrip('/')}" if rule else prefix


def _methods(value: Value, default: tuple[str, ...] = ("GET",)) -> tuple[str, ...]:
    if isinstance(value, Ref) or not isinstance(value, tuple):
        return default
    found = tuple(text.upper() for text in value if isinstance(text, str))
    return found or default


def _of(views: tuple[tuple[Module, Function], ...]) -> tuple[str, ...]:
    found = tuple(f.name.upper() for _, f in views if f.owner and f.name in _VERBS)
    return found or ("GET",)
