"""What to write instead, by what sent the statements."""

import pytest
from rules.made import dml, select

from seatrial.model.evidence import Load, Statement
from seatrial.model.findings import Place
from seatrial.rules.remedies import best_known, remedy

COUNT = "SELECT count(post.id) AS count_1 FROM post WHERE post.author_id = ?"
POSTS = "SELECT post.id FROM post WHERE post.author_id = ?"


def loop(statement: Statement, *, distinct: bool = True) -> list[Statement]:
    """Three executions, with different parameters or with the same."""
    facts = {name: getattr(statement, name) for name in ("load", "relationship", "to_many", "entity", "columns", "api")}
    return [
        type(statement)(
            statement.sql, statement.fingerprint, statement.kind, parameters=number if distinct else 7, **facts
        )
        for number in range(3)
    ]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (select(POSTS, load=Load.LAZY, relationship="User.posts", to_many=True), ".options(selectinload(User.posts))"),
        (select(load=Load.LAZY, relationship="Post.author"), ".options(joinedload(Post.author)), or selectinload("),
        (
            select(POSTS, relationship="User.posts", to_many=True, api="__iter__"),
            "Read User.posts of all objects at once",
        ),
        (
            select(COUNT, relationship="User.posts", to_many=True, api="count"),
            "func.count() and GROUP BY on the foreign",
        ),
        (select(entity="User", api="get"), "select(User).where(User.id.in_(ids))"),
        (
            select(COUNT, entity="Post", api="scalar"),
            "select(key, func.count(…)).group_by(key), where key is the column of",
        ),
        (select("SELECT count(*) AS n FROM (SELECT 1)", entity="Post", api="count"), "func.count(…)"),
        (select("SELECT coalesce(sum(lot.quantity), ?) FROM lot", entity="Lot", api="scalar"), "func.sum(…)"),
        (select("SELECT MAX(id) FROM t", api="execute"), "func.max(…)).group_by(key), where key is the column that"),
        (select(entity="User", api="first"), "select(User) with .in_(values) on the column"),
        (select("SELECT name FROM user WHERE id = ?", api="execute"), "WHERE … IN in place of one per value"),
        (
            select(load=Load.DEFERRED, entity="User", columns=("bio", "cv"), api="__get__"),
            "Load User.bio and User.cv with the query of the page: .options(undefer(User.bio), undefer(User.cv))",
        ),
        (select(load=Load.EXPIRED, entity="User", columns=("id", "name")), "expire_on_commit=False"),
        (select(load=Load.REFRESH, entity="User", api="refresh"), "Leave session.refresh() out of the loop"),
        (dml("INSERT INTO tag (name) VALUES (?)", api="flush"), "flush or commit once, after the loop"),
        (dml("INSERT INTO tag (name) VALUES (?)", api="execute"), "session.execute(insert(Model), rows)"),
        (dml("UPDATE item SET seen = ?", entity="Item", api="execute"), "update(Item) with a WHERE that covers them"),
        (dml("DELETE FROM cart WHERE id = ?", entity="Cart", api="execute"), "delete(Cart).where(Cart.id.in_(ids))"),
        (dml("CALL refresh_prices(?)", api="execute"), "one statement for all rows"),
    ],
)
def test_a_loop(statement: Statement, words: str) -> None:
    said = remedy(loop(statement))
    assert words in said
    assert said[0].isupper()
    assert said.endswith(".")
    # growth shows one sample of a statement that follows the rows
    assert remedy([statement]) == said


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (select(load=Load.LAZY, relationship="User.role"), "Nothing keeps the object whose User.role is read"),
        (select(entity="Setting", api="get"), "Hold the Setting that get() returned"),
        (select(load=Load.EXPIRED, entity="User"), "expire_on_commit=False"),
    ],
)
def test_the_same_again_and_again_is_kept_and_not_asked_for_at_once(statement: Statement, words: str) -> None:
    said = remedy(loop(statement, distinct=False))
    assert words in said
    assert "IN" not in said
    assert "group_by" not in said


@pytest.mark.parametrize("statement", [select(COUNT, entity="Post", api="scalar"), select(entity="Post", api="first")])
def test_nothing_better_than_the_rule_of_identical_statements_knows(statement: Statement) -> None:
    assert remedy(loop(statement, distinct=False)) == ""


def test_an_eager_load_is_the_remedy() -> None:
    assert remedy(loop(select(load=Load.EAGER, relationship="User.posts", to_many=True))) == ""


def test_the_execution_of_which_most_is_known_speaks() -> None:
    plain = select(POSTS)
    placed = select(POSTS, parameters=1, place=Place("app.py", 1))
    lazy = select(POSTS, load=Load.LAZY, relationship="User.posts", to_many=True)
    assert best_known([plain, placed, lazy]) is lazy
    assert best_known([plain, placed]) is placed
    assert "selectinload(User.posts)" in remedy([plain, placed, lazy])
