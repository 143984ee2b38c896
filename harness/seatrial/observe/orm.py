"""Why the ORM sent a statement: the only module that knows private names of SQLAlchemy's.

All of it stands in the ExecutionContext that the cursor events carry. The public names of the same facts are those of
`ORMExecuteState`; its event is not used, because it neither sees Core, text and flush nor runs at the cursor, and
because listening to it has changed how loaders behave (sqlalchemy#13301). Instead the tests compare both on every
SQLAlchemy that is supported, and `unreadable()` says where an installed one keeps these facts elsewhere.

`facts` runs while a statement is sent: it only picks up references, and none that would keep an object of the app's
alive, for then the identity map would answer what the app would have asked the database. `describe` runs afterwards.
"""

from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import InstanceState, ORMExecuteState, QueryContext

from seatrial.model.evidence import Load
from seatrial.observe.callsite import Origin

_LOAD_OPTIONS = "_sa_orm_load_options"
_CHUNK = "primary_keys"
"""Parameter of the statements that load in chunks: selectin of relationships and of subclasses."""


# An enum's members are slow to look up.
NONE, LAZY, EAGER = Load.NONE, Load.LAZY, Load.EAGER
DEFERRED, EXPIRED, REFRESH = Load.DEFERRED, Load.EXPIRED, Load.REFRESH

Facts = tuple[Load, Any, Any, frozenset[str] | None, bool, tuple[str, ...]]
"""What is known of one execution while it runs; a plain tuple, because it is the cheapest thing to make:

0. why it was sent
1. mapper or aliased class that it is about; that of the refreshed object where columns are loaded
2. relationship that is loaded, or None
3. attributes that are loaded, or None for all
4. the whole object had expired, as after a commit
5. keys of parameters whose values come from an object: `with_parent()`, dynamic and write-only collections
"""


def facts(context: Any) -> Facts | None:
    """What is known of the current execution; None where the ORM has no part in it (Core, text, a flush).

    Raises whatever goes wrong when the private names are not as expected.
    """
    statement = context.invoked_statement
    attributes = getattr(statement, "_propagate_attrs", None)  # DDL and sequences have none
    if not attributes or "plugin_subject" not in attributes:
        return None
    subject = attributes["plugin_subject"]
    if context.isinsert or context.isupdate or context.isdelete:
        return NONE, subject, None, None, False, ()
    options = statement._compile_options
    path = getattr(options, "_current_path", None)  # a select() that was compiled before has plain options
    relationship = None if path is None else getattr(path, "prop", None)  # the root of paths has no property
    loading = context.execution_options.get(_LOAD_OPTIONS)
    if loading is not None:
        if loading._lazy_loaded_from is not None:
            return LAZY, subject, relationship, None, False, ()
        refreshed = loading._refresh_state
        if refreshed is not None:
            only = options._only_load_props
            if loading._is_user_refresh:
                load = REFRESH
            elif only and only <= refreshed.expired_attributes:
                load = EXPIRED
            else:
                load = DEFERRED
            return load, refreshed.mapper, None, only, refreshed.expired, ()
    if relationship is not None or _CHUNK in context.compiled.binds:
        return EAGER, subject, relationship, None, False, ()
    parameters = context.extracted_parameters
    if parameters is None:  # not cached: it was compiled for this execution
        parameters = context.compiled.bind_names
    compared = [p._identifying_key for p in parameters if p.callable is not None]
    return NONE, subject, None, None, False, tuple(compared)


def unreadable() -> str:
    """Empty, or a sentence about what the installed SQLAlchemy keeps elsewhere, so that loads are not told apart.

    The public properties of ORMExecuteState are asked which names they read themselves.
    """
    known = {
        "lazy_loaded_from": ("_lazy_loaded_from",),
        "loader_strategy_path": ("_current_path",),
        "_orm_compile_options": ("_compile_options",),
        "load_options": (_LOAD_OPTIONS,),
    }
    missing = [name for public, names in known.items() for name in names if name not in _names_in(public)]
    for holder, names in (
        (QueryContext.default_load_options, ("_refresh_state", "_is_user_refresh")),
        (InstanceState, ("expired", "expired_attributes")),
        (DefaultExecutionContext, ("invoked_statement", "extracted_parameters", "isinsert", "isupdate", "isdelete")),
    ):
        missing += [name for name in names if not hasattr(holder, name) and name not in _annotated(holder)]
    if not missing:
        return ""
    return (
        f"SQLAlchemy {sqlalchemy.__version__} does not keep {', '.join(missing)} where Seatrial looks for them: "
        f"statements are named by line and function only, not by relationship; use a SQLAlchemy from 2.0.20 to 2.1, "
        f"or a newer Seatrial"
    )


def _names_in(public: str) -> tuple[str, ...]:
    member = getattr(ORMExecuteState, public, None)
    code = getattr(getattr(member, "fget", member), "__code__", None)
    if code is None:
        return ()
    return (*code.co_names, *(constant for constant in code.co_consts if isinstance(constant, str)))


def _annotated(holder: type) -> set[str]:
    return {name for base in holder.__mro__ for name in getattr(base, "__annotations__", ())}


# ------------------------------------------------------------------------------------------------ after the request
def describe(facts: Facts) -> Origin:
    """The facts in words; lines and function are the call site's to say."""
    load, subject, relationship, only, whole, compared = facts
    mapper = getattr(subject, "mapper", None)
    if relationship is None and compared and mapper is not None:
        relationship = _compared(mapper, compared)
    if relationship is not None:
        return Origin(
            relationship=f"{relationship.parent.class_.__name__}.{relationship.key}",
            load=load,
            to_many=bool(relationship.uselist),
            owner=_table(relationship.parent),
            entity="" if mapper is None or load is not NONE else mapper.class_.__name__,
        )
    if mapper is None:
        return Origin(load=load)
    if load in (DEFERRED, EXPIRED, REFRESH):
        return _columns(load, mapper, only or frozenset(), whole)
    return Origin(load=load, entity=mapper.class_.__name__)


def _columns(load: Load, mapper: Any, only: frozenset[str], whole: bool) -> Origin:
    loaded = [mapper.attrs[key] for key in sorted(only) if key in mapper.column_attrs]
    if load is EXPIRED and loaded and (_deferred(loaded) or (not whole and _of_subclass_only(mapper, loaded))):
        load = DEFERRED
    # An attribute that the class inherits is named by the class that maps it: that is what an option takes.
    parents = {attribute.parent for attribute in loaded}
    named = parents.pop() if load is DEFERRED and len(parents) == 1 else mapper
    return Origin(
        load=load,
        owner=_table(mapper),
        entity=named.class_.__name__,
        columns=tuple(attribute.key for attribute in loaded) if load is not REFRESH else (),
    )


def _deferred(loaded: list[Any]) -> bool:
    """After a commit, columns that no query had loaded count as expired, too; but they come by themselves."""
    return all(getattr(attribute, "deferred", False) for attribute in loaded)


def _of_subclass_only(mapper: Any, loaded: list[Any]) -> bool:
    """A query of the base class leaves out the tables of its subclasses."""
    base = set(mapper.base_mapper.tables)
    return not any(getattr(column, "table", None) in base for attribute in loaded for column in attribute.columns)


def _table(mapper: Any) -> str:
    """With its schema where it has one; of a class mapped to a join, the first."""
    table = mapper.local_table
    if not hasattr(table, "schema"):
        table = next(iter(mapper.tables), table)
    schema = getattr(table, "schema", None)
    name = str(getattr(table, "name", "") or "")
    return f"{schema}.{name}" if schema and name else name


_criteria: "WeakKeyDictionary[Any, dict[str, Any]]" = WeakKeyDictionary()
"""By registry: the relationship that a parameter's key was made for, or None."""
_MOST_KEYS = 10_000


def _compared(mapper: Any, keys: tuple[str, ...]) -> Any:
    """The relationship whose "belongs to this object" was compared with, or None."""
    known = _criteria.setdefault(mapper.registry, {})
    if len(known) > _MOST_KEYS:
        known.clear()
    for key in keys:
        if key not in known:
            known.update(_criteria_of(mapper.registry))
            known.setdefault(key, None)  # compared in the other direction: `Post.author == user`
        if known[key] is not None:
            return known[key]
    return None


def _criteria_of(registry: Any) -> dict[str, Any]:
    found = {}
    for mapper in registry.mappers:
        for relationship in mapper.relationships:
            # Made when the relationship is first compared with: only looked at here, never made.
            loader = relationship.__dict__.get("_lazy_strategy")
            for key in getattr(loader, "_bind_to_col", ()):
                found[key] = relationship
    return found
