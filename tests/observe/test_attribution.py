"""Why each statement was sent, by which function, from which lines: on the views of a real app."""

import logging
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy
from observe.blog import Blog, line_of, models
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import ORMExecuteState, Session

from seatrial.model.evidence import Kind, Load, Statement
from seatrial.model.findings import Place
from seatrial.observe import orm
from seatrial.observe.attribution import Attribution
from seatrial.observe.statements import record

VIEWS, MODELS = "views.py", "models.py"
LIST, MACROS, PART = "templates/list.html", "templates/macros.html", "templates/part.html"
BASE, CALL = "templates/base.html", "templates/call.html"

Told = tuple[int, Load, str, str, str, int]
"""Times, load, relationship or entity (with columns), function, file, line."""


def told(statements: list[Statement]) -> list[Told]:
    """One row per kind of statement, in the order first sent."""
    return [(times, *what) for what, times in Counter(map(_told, statements)).items()]


def _told(s: Statement) -> tuple[Load, str, str, str, int]:
    what = s.relationship or s.entity + (f".{','.join(s.columns)}" if s.load is Load.DEFERRED else "")
    place = s.place or Place("nowhere", 0)
    return s.load, what, s.api, place.path, place.line


Row = tuple[int, Load, str, str, str, str]
"""As `Told`, with the text of the line in place of its number."""
ALL_USERS = (1, Load.NONE, "User", "scalars", VIEWS, "return S.scalars(select(User)).all()")
ASKED, LAZY, EAGER = Load.NONE, Load.LAZY, Load.EAGER


def numbered(rows: list[Row]) -> list[Told]:
    return [(times, load, what, api, file, line_of(file, text)) for times, load, what, api, file, text in rows]


# The fifteen routes that every N+1 detector meets.
ACCEPTANCE: dict[str, list[Row]] = {
    "lists": [ALL_USERS, (6, LAZY, "User.posts", "__get__", LIST, "u.posts|length")],
    "m2o": [
        (1, ASKED, "Post", "scalars", VIEWS, 'return render_template("m2o.html"'),
        (6, LAZY, "Post.author", "__get__", MACROS, "p.author.name"),
    ],
    "m2o_known": [ALL_USERS, (1, ASKED, "Post", "scalars", VIEWS, "known=known")],
    "selectin": [
        (1, ASKED, "User", "scalars", VIEWS, "options(selectinload(User.posts))"),
        (1, EAGER, "User.posts", "all", VIEWS, "options(selectinload(User.posts))"),
    ],
    "get_loop": [(6, ASKED, "User", "get", VIEWS, "S.get(User, number).name for")],
    "get_404_loop": [(6, ASKED, "User", "get", VIEWS, "db.get_or_404(")],
    "legacy_get_loop": [(6, ASKED, "User", "get", VIEWS, "User.query.get(")],
    "count_loop": [ALL_USERS, (6, ASKED, "Post", "count", VIEWS, "Post.query.filter_by(")],
    "scalar_count_loop": [ALL_USERS, (6, ASKED, "Post", "scalar", VIEWS, "S.scalar(counted")],
    "dynamic": [
        ALL_USERS,
        (6, ASKED, "User.posts_dyn", "count", VIEWS, "user.posts_dyn.count()"),
        (6, ASKED, "User.posts_dyn", "__iter__", VIEWS, "len(list(user.posts_dyn))"),
    ],
    "write_only": [ALL_USERS, (6, ASKED, "User.posts_wo", "scalars", VIEWS, "user.posts_wo.select())")],
    "deferred": [ALL_USERS, (6, Load.DEFERRED, "User.bio", "__get__", VIEWS, "user.bio for")],
    "expired": [ALL_USERS, (6, Load.EXPIRED, "User", "__get__", VIEWS, "user.name for user in all_users")],
    "nested": [
        ALL_USERS,
        (6, LAZY, "User.posts", "__get__", VIEWS, "len(post.comments)"),
        (12, LAZY, "Post.comments", "__get__", VIEWS, "len(post.comments)"),
    ],
    "in_lists": [(3, ASKED, "Post", "scalars", VIEWS, "Post.author_id.in_(range(length))")],
}

BEYOND: dict[str, list[Row]] = {
    "refreshed": [ALL_USERS, (6, Load.REFRESH, "User", "refresh", VIEWS, "S.refresh(user)")],
    "expired_attribute": [ALL_USERS, (6, Load.EXPIRED, "User", "__get__", VIEWS, "str(user.name)")],
    "deferred_after_commit": [
        ALL_USERS,
        (6, Load.DEFERRED, "User.bio", "__get__", VIEWS, "{user.bio}{user.name}"),
        (6, Load.EXPIRED, "User", "__get__", VIEWS, "{user.bio}{user.name}"),
    ],
    "only_loaded": [
        (1, ASKED, "User", "scalars", VIEWS, "load_only(User.id)"),
        (6, Load.DEFERRED, "User.name", "__get__", VIEWS, "load_only(User.id)"),
    ],
    "dynamic_filtered": [ALL_USERS, (6, ASKED, "User.posts_dyn", "all", VIEWS, "posts_dyn.filter(")],
    "dynamic_first": [ALL_USERS, (6, ASKED, "User.posts_dyn", "first", VIEWS, "posts_dyn.order_by(")],
    "dynamic_many_to_many": [ALL_USERS, (6, ASKED, "User.tags_dyn", "count", VIEWS, "tags_dyn.count()")],
    "write_only_count": [ALL_USERS, (6, ASKED, "User.posts_wo", "scalar", VIEWS, "posts_wo.select().subquery()")],
    "parented": [ALL_USERS, (6, ASKED, "User.posts", "scalars", VIEWS, "with_parent(user, User.posts)")],
    "compared": [ALL_USERS, (6, ASKED, "Post", "scalars", VIEWS, "Post.author == user")],
    "proxied": [ALL_USERS, (6, LAZY, "User.tags", "__get__", VIEWS, "user.tag_names")],
    "one_to_one": [ALL_USERS, (6, LAZY, "User.profile", "__get__", VIEWS, "user.profile.id")],
    "immediate": [
        (1, ASKED, "User", "scalars", VIEWS, "immediateload(User.posts)"),
        (6, LAZY, "User.posts", "all", VIEWS, "immediateload(User.posts)"),
    ],
    "aliased_path": [
        (1, ASKED, "User", "scalars", VIEWS, "select(author)"),
        (6, LAZY, "User.posts", "__get__", VIEWS, "select(author)"),
    ],
    "aliased_get": [(6, ASKED, "Post", "scalar", VIEWS, "select(writer.id)")],
    "bundled": [(6, ASKED, "Post", "execute", VIEWS, "Bundle(")],
    "subclass_columns": [
        (1, ASKED, "Vessel", "scalars", VIEWS, "vessel.cars for vessel in S.scalars(select(Vessel))"),
        (6, Load.DEFERRED, "Ferry.cars", "__get__", VIEWS, "vessel.cars for vessel in S.scalars(select(Vessel))"),
    ],
    "subclass_chunks": [
        (1, ASKED, "Vessel", "scalars", VIEWS, "selectin_polymorphic(Vessel"),
        (1, EAGER, "Ferry", "all", VIEWS, "selectin_polymorphic(Vessel"),
    ],
    "inherited_relationship": [
        (1, ASKED, "Ferry", "scalars", VIEWS, "len(ferry.crew)"),
        (6, LAZY, "Vessel.crew", "__get__", VIEWS, "len(ferry.crew)"),
    ],
    "subclass_relationship": [
        (1, ASKED, "Vessel", "scalars", VIEWS, "len(vessel.decks)"),
        (6, LAZY, "Ferry.decks", "__get__", VIEWS, "len(vessel.decks)"),
    ],
    "legacy_first": [(6, ASKED, "User", "first", VIEWS, ".first().name")],
    "legacy_all": [(6, ASKED, "User", "__iter__", VIEWS, "list(User.query.filter_by(id=number))")],
    "paged": [(12, ASKED, "User", "execute", VIEWS, "db.paginate(")],
    "raw_text": [(6, ASKED, "", "execute", VIEWS, "SELECT name FROM user WHERE id = :id")],
    "core": [(6, ASKED, "", "execute", VIEWS, "connection.execute(select(User.__table__")],
    "from_text": [(6, ASKED, "User", "scalars", VIEWS, "from_statement(text(")],
    "unions": [(6, ASKED, "User", "scalars", VIEWS, "from_statement(both)")],
    "lambdas": [(6, ASKED, "User", "scalars", VIEWS, "lambda_stmt(lambda")],
    "bulk_update": [(6, ASKED, "User", "execute", VIEWS, "db.update(User)")],
    "flushed": [(6, ASKED, "", "flush", VIEWS, "S.flush()")],
    "threads": [(6, ASKED, "User", "get", VIEWS, "return S.get(User, number).name")],
    "in_greenlets": [(6, ASKED, "User", "get", VIEWS, "greenlet_spawn(S.get")],
    "same_get": [(6, ASKED, "User", "get", VIEWS, "S.get(User, 1)")],
}


@pytest.mark.parametrize("route", [*ACCEPTANCE, *BEYOND])
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.LegacyAPIWarning")
def test_every_statement_is_explained(blog: Blog, route: str) -> None:
    assert told(blog.get(route)) == numbered((ACCEPTANCE | BEYOND)[route])


def test_in_lists_of_any_length_are_one_statement(blog: Blog) -> None:
    assert len({s.fingerprint for s in blog.get("in_lists")}) == 1


def test_the_table_of_the_objects_that_a_relationship_was_loaded_for(blog: Blog) -> None:
    def loads(route: str) -> set[tuple[str, bool]]:
        return {(s.owner, s.to_many) for s in blog.get(route) if s.relationship or s.load is not Load.NONE}

    assert loads("lists") == {("user", True)}
    assert loads("m2o") == {("post", False)}
    assert loads("one_to_one") == {("user", False)}
    assert loads("from_profile") == {("main.profile", False)}
    assert loads("inherited_relationship") == {("vessel", True)}
    assert loads("subclass_relationship") == {("ferry", True)}
    assert loads("dynamic") == {("user", True)}
    assert loads("deferred") == {("user", False)}


def test_columns_of_a_load(blog: Blog) -> None:
    assert [s.columns for s in blog.get("deferred")[1:]] == [("bio",)] * 6
    assert [s.columns for s in blog.get("expired")[1:]] == [("id", "name")] * 6


# ------------------------------------------------------------------------------------------------ templates
def templates(statements: list[Statement]) -> dict[str, tuple[str, str, str, int]]:
    """(template, its line's text, place, line) by relationship, of what was sent while a template was rendered."""
    found = {}
    for s in statements:
        if s.template is not None:
            assert s.place is not None
            found[s.relationship] = (
                f"{s.template.path}:{s.template.line}",
                s.template.text,
                s.place.path,
                s.place.line,
            )
    return found


def test_a_template_is_named_even_where_a_property_of_a_model_sent_it(blog: Blog) -> None:
    assert templates(blog.get("inherited_template")) == {
        # an included template, in a block that overrides one of the base's, through a property
        "User.posts": (f"{PART}:2", "<b>{{ u.newest }}</b>", MODELS, line_of(MODELS, "in self.posts")),
        "User.tags": (f"{BASE}:4", "{% for u in users %}{{ u.tags|length }}{% endfor %}", BASE, 4),
    }


def test_macros_and_call_blocks(blog: Blog) -> None:
    assert templates(blog.get("m2o")) == {"Post.author": (f"{MACROS}:4", " {{ p.author.name }}", MACROS, 4)}
    assert templates(blog.get("call_block")) == {"User.posts": (f"{CALL}:8", "  {{ u.posts|length }}", CALL, 8)}


def test_a_template_without_a_file_has_a_name_and_the_place_is_what_renders_it(blog: Blog) -> None:
    statements = blog.get("from_string")
    line = line_of(VIEWS, "return render_template_string(")
    assert templates(statements) == {"User.posts": ("<string>:2", "", VIEWS, line)}
    assert {s.api for s in statements[1:]} == {"__get__"}


def test_what_a_view_sends_was_sent_by_no_template(blog: Blog) -> None:
    assert {s.template for s in blog.get("nested")} == {None}
    assert blog.get("lists")[0].template is None


# ------------------------------------------------------------------------------------------------ harmless
@pytest.mark.parametrize("route", ["same_get", "same_parent"])
def test_attribution_keeps_no_object_alive_that_would_answer_for_the_database(blog: Blog, route: str) -> None:
    blog.get(route)  # SQLAlchemy's own cache keeps what the first statement of a kind refers to
    with blog.app.app_context(), record() as recording:
        blog.app.test_client().get(f"/{route}")
    kinds = [s.kind for s in recording.statements() if s.kind is Kind.SELECT]
    assert len(kinds) == {"same_get": 6, "same_parent": 12}[route]
    assert len(blog.get(route)) == len(kinds)


class Unknown:
    """An ExecutionContext of another shape."""

    @property
    def invoked_statement(self) -> Any:
        raise AttributeError("gone")


def test_an_unreadable_statement_is_named_by_line_and_said_once(caplog: pytest.LogCaptureFixture, blog: Blog) -> None:
    attribution = Attribution(blog.attribution.sites)
    with caplog.at_level(logging.WARNING):
        notes = [attribution.note(Unknown(), 1), attribution.note(Unknown(), 2), attribution.note(None, 3)]
    assert [attribution.read(note).load for note in notes] == [Load.NONE] * 3
    [said] = caplog.messages
    assert said.startswith(
        "what SQLAlchemy notes of a statement cannot be read (AttributeError: gone): such statements"
    )


def test_a_sqlalchemy_that_keeps_its_facts_elsewhere(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orm, "_LOAD_OPTIONS", "_sa_orm_load_options_renamed")
    monkeypatch.setattr(blog, "attribution", Attribution(blog.attribution.sites))
    assert "does not keep _sa_orm_load_options_renamed where Seatrial looks" in blog.attribution.fallback
    plain = [replace(s, load=Load.NONE, relationship="", entity="") for s in blog.get("lists")]
    assert told(plain) == numbered(
        [
            (1, ASKED, "", "scalars", VIEWS, "return S.scalars(select(User)).all()"),
            (6, ASKED, "", "__get__", LIST, "u.posts|length"),
        ]
    )


# ------------------------------------------------------------------------------------------------ the contract
def test_the_installed_sqlalchemy_is_readable() -> None:
    assert orm.unreadable() == ""


CONTRACT = [
    "lists", "m2o", "selectin", "subquery", "immediate", "get_loop", "legacy_get_loop", "count_loop",
    "scalar_count_loop", "dynamic", "write_only", "deferred", "expired", "refreshed", "refreshed_collection",
    "only_loaded", "nested", "in_lists", "subclass_columns", "inherited_relationship", "proxied", "unions", "lambdas",
    "bulk_update", "flushed", "raw_text", "core",
]  # fmt: skip
FROM_STATEMENT = {"subclass_columns", "unions"}
OLD = tuple(int(part) for part in sqlalchemy.__version__.split(".")[:3] if part.isdigit()) < (2, 0, 30)


@pytest.mark.parametrize("route", CONTRACT)
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.LegacyAPIWarning")
def test_private_names_say_what_the_public_ones_say(blog: Blog, route: str) -> None:
    """Statement by statement, against ORMExecuteState: a SQLAlchemy that moves a private name fails here."""
    if route in FROM_STATEMENT and OLD:
        pytest.skip("before 2.0.30 ORMExecuteState says nothing of from_statement()")
    public: list[tuple[bool, bool, str]] = []
    private: list[tuple[bool, bool, str]] = []

    def by_event(state: ORMExecuteState) -> None:
        if state.is_orm_statement and state.is_select:
            path = state.loader_strategy_path
            key = path.prop.key if state.is_relationship_load and not state.is_column_load and path else ""
            public.append((state.lazy_loaded_from is not None, bool(state.is_column_load), key))

    def by_context(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        facts = orm.facts(context)
        if facts is not None and not (context.isinsert or context.isupdate or context.isdelete):
            load, _, relationship, *_ = facts
            column = load in (Load.REFRESH, Load.EXPIRED, Load.DEFERRED)
            private.append((load is Load.LAZY, column, relationship.key if relationship else ""))

    event.listen(Session, "do_orm_execute", by_event)
    event.listen(Engine, "before_cursor_execute", by_context)
    try:
        assert blog.app.test_client().get(f"/{route}").status_code == 200
    finally:
        event.remove(Session, "do_orm_execute", by_event)
        event.remove(Engine, "before_cursor_execute", by_context)
    assert private == public
    assert public or route in ("bulk_update", "flushed", "raw_text", "core")


def test_relationships_are_found_where_they_are_declared() -> None:
    """A relationship that a subclass inherits is named by the class that `.options()` takes it from."""
    assert models.Ferry.crew.property is models.Vessel.crew.property
