"""Which relationships a request loaded eagerly, and whether it read them.

    with eager.observe(sites) as loads:
        response = client.get("/suppliers/")
    loads.seen()                    # tuple[EagerLoad, ...]

SQLAlchemy tells by no event that an eager loader has filled a relationship, so its loaders are wrapped, once and for
good: they count what they fill while an observation is open, and do what they always did otherwise. A read is an
access to the attribute of an instance, whoever makes it: view, template, serialiser, hybrid property.

| situation | rule |
|---|---|
| a collection without members, a many-to-one that is NULL | counts as a parent, not as a row |
| an instance of the identity map that had the relationship already | was not loaded again: not counted |
| `contains_eager` | named as such: the join is wanted, its columns are not |
| subclasses of a mapped class | are one with it: a read by any of them is a read |
| a write to the attribute (`parent.children = []`) | needs the old value: a read |
| pickled instances, `__dict__`, `vars()`, `inspect(x).dict` | cannot be seen: `EagerLoad.unseen` says so |

Where `unseen` names a line of the target's, it may not have run at all: `observe(sites, closely=True)` finds out.

Nothing here keeps an instance alive: a session whose objects live longer sends fewer statements. One observation at
a time: a host sends one request after the other, and reads from the request's own threads must count.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import wraps
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import InstrumentedAttribute, Mapper, strategies
from sqlalchemy.orm.collections import collection_adapter

from seatrial.model.evidence import EagerLoad
from seatrial.observe.callsite import CallSites, Trace
from seatrial.observe.wholesale import Line, Wholesale

_STRATEGIES = ("JoinedLoader", "SubqueryLoader", "SelectInLoader", "ImmediateLoader")
"""Of `sqlalchemy.orm.strategies`; from 2.1 on with an underscore in front."""


class _Load:
    """One relationship, loaded in one way."""

    __slots__ = ("mapped", "parents", "prop", "rows", "site", "strategy", "through")

    def __init__(self, prop: Any, strategy: str, mapped: bool, through: Any, site: Trace | None) -> None:
        self.prop, self.strategy, self.mapped, self.through, self.site = prop, strategy, mapped, through, site
        self.parents = self.rows = 0


class Loads:
    """What one observation has seen. Made by `observe()`."""

    def __init__(self, sites: CallSites, wholesale: Wholesale) -> None:
        self._sites, self._wholesale = sites, wholesale
        self._loads: dict[tuple[Any, str], _Load] = {}
        self.reads: set[tuple[Any, str]] = set()
        self.pickled: set[type] = set()
        self.ran: set[Line] | None = None
        """Lines that read whole objects, where the calls were followed."""

    def seen(self) -> tuple[EagerLoad, ...]:
        """The relationships that were filled, by name."""
        return tuple(sorted(map(self._describe, self._filled()), key=lambda load: (load.relationship, load.strategy)))

    def _filled(self) -> Iterator[_Load]:
        return (load for load in self._loads.values() if load.parents)

    def _describe(self, load: _Load) -> EagerLoad:
        classes = [mapper.class_ for mapper in load.prop.parent.self_and_descendants]
        read = any((cls, load.prop.key) in self.reads for cls in classes)
        return EagerLoad(
            relationship=_name(load.prop),
            strategy=load.strategy,
            mapped=load.mapped,
            parents=load.parents,
            rows=load.rows,
            read=read,
            through=_name(load.through) if load.through is not None else "",
            unseen="" if read or not load.rows else self._unseen(load, classes),
            place=self._sites.origin(load.site).place if load.site is not None else None,
        )

    def _unseen(self, load: _Load, classes: list[type]) -> str:
        """Why a read may have been missed, or empty."""
        if self.pickled.intersection(classes):
            return f"{load.prop.parent.class_.__name__} was pickled, with all that it had loaded"
        if not all(_observed(cls, load.prop.key) for cls in classes):
            return f"{_name(load.prop)} is an attribute of a kind that cannot be observed"
        place = self._wholesale.concerning(classes, self.ran)
        return f"{place.path}:{place.line} reads the attributes of objects at once" if place is not None else ""

    # ------------------------------------------------------------------ told by the loaders
    def of(self, loader: Any, context: Any, path: Any, option: Any) -> _Load:
        prop = loader.parent_property
        # A loader may hand over to another (a refresh is no query to chunk): what was asked for is what counts.
        asked = prop.lazy if option is None else (option.strategy or loader.strategy_key)[0][1]
        strategy = asked or "joined"  # False is an old name of it
        if option is not None and "eager_from_alias" in option.local_opts:
            strategy = "contains_eager"
        key = (prop, str(strategy))
        found = self._loads.get(key)
        if found is None:
            _observe_reads(prop)
            through = _through((*context.compile_state.current_path.path, *path.path), prop)
            found = self._loads[key] = _Load(prop, str(strategy), option is None, through, self._sites.trace())
        return found


@contextmanager
def observe(sites: CallSites, *, closely: bool = False) -> Iterator[Loads]:
    """Observe what is loaded eagerly inside the `with` block. `closely` follows every call (twice the time)."""
    global _open
    _install()
    wholesale = _wholesale.setdefault(sites, Wholesale(sites))
    before, _open = _open, Loads(sites, wholesale)
    try:
        with wholesale.follow() if closely else nullcontext() as _open.ran:
            yield _open
    finally:
        _open = before


_open: Loads | None = None
_wholesale: dict[CallSites, Wholesale] = {}
"""What was found in the target's files, for all requests."""


# ---------------------------------------------------------------------------------------------------- reads
class _Observed(InstrumentedAttribute[Any]):
    # No docstring: SQLAlchemy's class keeps those of its instances in a descriptor of that name.
    __slots__ = ()
    __doc__ = InstrumentedAttribute.__dict__["__doc__"]
    inherit_cache = True

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is not None and _open is not None:
            _open.reads.add((self.class_, self.key))
        return InstrumentedAttribute.__get__(self, instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        if _open is not None:
            _open.reads.add((self.class_, self.key))
        InstrumentedAttribute.__set__(self, instance, value)

    def __delete__(self, instance: Any) -> None:
        if _open is not None:
            _open.reads.add((self.class_, self.key))
        InstrumentedAttribute.__delete__(self, instance)


def _observe_reads(prop: Any) -> None:
    """From now on every access to the relationship's attribute is noticed. The objects themselves stay as they are."""
    for mapper in prop.parent.self_and_descendants:
        attribute = mapper.class_.__dict__.get(prop.key)
        if type(attribute) is InstrumentedAttribute:
            attribute.__class__ = _Observed


def _observed(cls: type, key: str) -> bool:
    return next((type(vars(c)[key]) is _Observed for c in cls.__mro__ if key in vars(c)), False)


# ---------------------------------------------------------------------------------------------------- loaders
_installed = False
_lock = threading.Lock()


def _install() -> None:
    """Wrap SQLAlchemy's eager loaders. Idempotent; without an open observation they do what they always did."""
    global _installed
    with _lock:
        if _installed:
            return
        _installed = True
        for name in _STRATEGIES:
            loader: Any = getattr(strategies, f"_{name}", None) or getattr(strategies, name)
            loader.create_row_processor = _counting_rows(loader.create_row_processor)
            if "_load_for_path" in vars(loader):
                loader._load_for_path = _counting_states(loader._load_for_path)
        event.listen(Mapper, "pickle", _pickled)


def _pickled(instance: Any, _: dict[str, Any]) -> None:
    if _open is not None:
        _open.pickled.add(type(instance))


def _counting_rows(create: Callable[..., None]) -> Callable[..., None]:
    """All loaders are asked when a query is run. The joined and the subquery loader then fill the relationship row by
    row, by functions that they add to `populators`."""

    @wraps(create)
    def create_row_processor(
        self: Any,
        context: Any,
        entity: Any,
        path: Any,
        option: Any,
        mapper: Any,
        result: Any,
        adapter: Any,
        populators: Any,
    ) -> None:
        before = {kind: len(populators[kind]) for kind in ("new", "existing")} if _open is not None else {}
        create(self, context, entity, path, option, mapper, result, adapter, populators)
        if _open is None:
            return
        with suppress(Exception):  # not to have counted is better than to break the app
            # Objects are filled later, where the app fetches them: the query's line is in the stack only now.
            load = _open.of(self, context, path, option) if hasattr(self, "_load_for_path") else None
            for kind, length in before.items():
                for number, (key, populate) in enumerate(populators[kind][length:], start=length):
                    if key == self.key:
                        load = load or _open.of(self, context, path, option)
                        populators[kind][number] = (key, _counting(populate, load, kind == "new"))

    return create_row_processor


def _counting(populate: Callable[..., None], load: _Load, new: bool) -> Callable[..., None]:
    key, many = load.prop.key, load.prop.uselist

    def counted(state: Any, dict_: dict[str, Any], row: Any) -> None:
        before = None if new or key not in dict_ else _size(dict_[key], many)
        populate(state, dict_, row)
        if key in dict_:  # else the row has no columns for it, and the loader has left it to a lazy load
            load.parents += before is None
            load.rows += _size(dict_[key], many) - (before or 0)

    return counted


def _counting_states(load_for_path: Callable[..., None]) -> Callable[..., None]:
    """Selectin and immediate loaders fill the relationship of many objects at once."""

    @wraps(load_for_path)
    def counted(self: Any, context: Any, path: Any, states: Any, *others: Any, **named: Any) -> None:
        if _open is None:
            return load_for_path(self, context, path, states, *others, **named)
        load, fresh = None, []
        with suppress(Exception):
            states = list(states)
            fresh = [state for state, overwrite in states if overwrite or self.key not in state.dict]
            option = next((other for other in others if hasattr(other, "local_opts")), None)
            load = _open.of(self, context, path, option)
        load_for_path(self, context, path, states, *others, **named)
        with suppress(Exception):
            filled = [state.dict[self.key] for state in fresh if self.key in state.dict]
            if load is not None:
                load.parents += len(filled)
                load.rows += sum(_size(value, load.prop.uselist) for value in filled)
        return None

    return counted


def _size(value: Any, many: bool | None) -> int:
    if value is None:
        return 0
    if not many:
        return 1
    try:
        return len(value) if isinstance(value, list | set | dict) else len(collection_adapter(value))
    except Exception:  # a collection of the app's own
        return 0


def _through(path: tuple[Any, ...], prop: Any) -> Any:
    """The relationship by which the query came to the objects that this one is loaded for, or None."""
    steps = [step for step in path if hasattr(step, "uselist") and step is not prop]
    return steps[-1] if steps else None


def _name(prop: Any) -> str:
    return f"{prop.parent.class_.__name__}.{prop.key}"
