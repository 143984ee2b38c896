"""SQL rules on hand-made statements."""

import pytest
from rules.made import dml, exchange, messages, select

from seatrial.model.evidence import Budget, Exchange, Kind, Limits, Load, Statement
from seatrial.model.findings import Place
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context
from seatrial.rules.sql import (
    identical_statement,
    query_budget,
    query_in_template,
    repeated_statement,
    slow_statement,
    write_on_safe_method,
)

ITEM = "SELECT item.id FROM item"
CATEGORY = "SELECT category.id FROM category"
SUBJECT = "GET /items/ items [owner]"


def budgeted(select: int = 1, dml: int = 0, rows: int = 10, **statements: int) -> Context:
    return Context(budget=Budget(SUBJECT, select, dml, rows, tuple(statements.items())))


class TestQueryBudget:
    def test_without_a_budget_it_is_skipped_with_the_way_out(self) -> None:
        judgement = query_budget(exchange(statements=(select(),) * 99))
        assert (judgement.outcome, judgement.subject) == (Outcome.SKIPPED, SUBJECT)
        assert "seatrial budgets record" in judgement.reason

    @pytest.mark.parametrize(
        ("budget", "statements"),
        [
            (budgeted(1, 0, 1), (select(),)),
            (budgeted(5, 3, 100), (select(), dml())),
            (budgeted(0, 0, 0), ()),
            (budgeted(0, 1, 0), (dml(rows=500),)),
            (
                budgeted(1, 0, 1),
                (select(), Statement("SAVEPOINT a", "s", Kind.TRANSACTION), Statement("CREATE", "c", Kind.SCHEMA)),
            ),
        ],
        ids=["exact", "below", "no statements at all", "rows of dml", "transactions and schema"],
    )
    def test_within_the_budget(self, budget: Context, statements: tuple[Statement, ...]) -> None:
        assert query_budget(exchange(statements=statements), budget).outcome is Outcome.PASS

    @pytest.mark.parametrize(
        ("budget", "statements", "message"),
        [
            (budgeted(1, 0, 9), (select(), select()), "Limited to 1 select per request but took 2 select"),
            (budgeted(1, 0, 9), (select(), dml()), "Limited to 0 dml per request but took 1 dml"),
            (
                budgeted(2, 0, 9),
                (select(rows=7), select(CATEGORY, rows=4)),
                "Limited to 9 rows per request but took 11 rows: 7 by SELECT … FROM item",
            ),
            (
                budgeted(1, 0, 1),
                (select(rows=3), select(rows=3), dml()),
                "Limited to 1 select, 0 dml and 1 row per request but took 2 select, 1 dml and 6 rows",
            ),
        ],
        ids=["select", "dml", "rows", "all three"],
    )
    def test_each_limit_fails_alone(self, budget: Context, statements: tuple[Statement, ...], message: str) -> None:
        judgement = query_budget(exchange(statements=statements), budget)
        assert judgement.outcome is Outcome.FAIL
        assert messages(judgement).startswith(message)

    def test_the_failure_is_a_diff(self) -> None:
        statements = (*[select(fingerprint="a")] * 2, *[select(CATEGORY, fingerprint="b")] * 3, select(fingerprint="c"))
        judgement = query_budget(exchange(statements=statements), budgeted(4, 0, 99, a=2, c=1, d=1))
        [finding] = judgement.findings
        assert "took 6 select: +3 SELECT … FROM category" in finding.message
        assert [(e["times"], e["fingerprint"]) for e in finding.evidence["added"]] == [(3, "b")]
        assert finding.evidence["removed"] == [{"times": 1, "fingerprint": "d"}]
        assert finding.evidence["budget"] == {"select": 4, "dml": 0, "rows": 99}

    def test_the_diff_names_lines(self) -> None:
        here, there = Place("list.html", 10, "{{ item.category }}"), Place("views.py", 3, "categories()")
        statements = (
            select(place=there),
            *[select(CATEGORY, place=here)] * 2,
            *[select("SELECT 1 FROM a", place=place) for place in (here, there)],
        )
        [finding] = query_budget(exchange(statements=statements), budgeted(1, 0, 99, **{ITEM: 1})).findings
        assert "+2 SELECT … FROM category at list.html:10, " in finding.message
        assert finding.message.endswith("+2 SELECT … FROM a at list.html:10 and 1 more")

    def test_a_long_diff_is_cut_but_kept_in_the_evidence(self) -> None:
        statements = tuple(select(f"SELECT 1 FROM t{n}") for n in range(9))
        [finding] = query_budget(exchange(statements=statements), budgeted(1, 0, 99, x=1)).findings
        assert finding.message.endswith("and 4 more")
        assert len(finding.evidence["added"]) == 9

    @pytest.mark.parametrize("statements", [(), (Statement("SET x", "s", Kind.TRANSACTION),)])
    def test_no_statement_where_the_budget_has_some_is_not_proved(self, statements: tuple[Statement, ...]) -> None:
        judgement = query_budget(exchange(statements=statements), budgeted(0, 1))
        assert judgement.outcome is Outcome.NOT_PROVED
        assert "cache" in judgement.reason

    def test_an_answer_that_is_not_the_page_is_not_proved_however_much_it_ran(self) -> None:
        refused = exchange(status=403, statements=(select(),) * 50)
        assert query_budget(refused, budgeted()).outcome is Outcome.NOT_PROVED

    def test_rows_that_the_driver_did_not_count_are_not_within_any_budget(self) -> None:
        uncounted = exchange(statements=(select(rows=None),))
        assert query_budget(uncounted, budgeted()).outcome is Outcome.NOT_PROVED
        assert query_budget(uncounted, budgeted(0, 0, 0)).outcome is Outcome.FAIL, "the count of statements is certain"


def repeats(times: int, *, distinct: int | None = None, **facts: object) -> tuple[Statement, ...]:
    return tuple(select(parameters=n % (distinct or times), **facts) for n in range(times))


class TestRepeatedStatement:
    @pytest.mark.parametrize(
        ("statements", "limit", "outcome"),
        [
            (repeats(2), 3, Outcome.PASS),
            (repeats(3), 3, Outcome.FAIL),
            (repeats(9, distinct=2), 3, Outcome.PASS),
            (repeats(9, distinct=3), 3, Outcome.FAIL),
            (repeats(9), 10, Outcome.PASS),
            ((select(), select(CATEGORY), select("SELECT 1")), 3, Outcome.PASS),
            (repeats(9, load=Load.EAGER), 3, Outcome.PASS),
            (tuple(dml(parameters=n) for n in range(3)), 3, Outcome.FAIL),
            (tuple(Statement("SAVEPOINT x", "s", Kind.TRANSACTION, parameters=n) for n in range(9)), 3, Outcome.PASS),
        ],
        ids=["2", "3", "same parameters", "3 different of 9", "limit", "others", "eager chunks", "dml", "savepoints"],
    )
    def test_counts_different_parameters(self, statements: tuple[Statement, ...], limit: int, outcome: Outcome) -> None:
        context = Context(Limits(repeated_statements=limit))
        assert repeated_statement(exchange(statements=statements), context).outcome is outcome

    def test_one_finding_per_statement_with_line_and_relationship(self) -> None:
        place = Place("app/items.py", 7, "for item in items:")
        first, *rest = repeats(4)
        known = {"place": place, "relationship": "Item.lots", "load": Load.LAZY, "to_many": True}
        lazy = [select(ITEM, parameters=s.parameters, **known) for s in rest]
        judgement = repeated_statement(exchange(statements=(first, *lazy, *repeats(3, fingerprint="other"))))
        loaded, other = judgement.findings
        assert (loaded.detail, loaded.place, other.detail, other.place) == (ITEM, place, "other", None)
        assert "selectinload(Item.lots)" in loaded.remedy
        assert loaded.message == (
            "Fewer than 3 executions of one statement are allowed but lazy load of Item.lots (SELECT … FROM item) "
            "ran 4 times with 4 different parameters at app/items.py:7"
        )
        assert {k: loaded.evidence[k] for k in ("places", "relationship", "load")} == {
            "places": ["app/items.py:7"],
            "relationship": "Item.lots",
            "load": "lazy",
        }
        assert "WHERE … IN" in other.remedy
        assert loaded.fingerprint != other.fingerprint

    @pytest.mark.parametrize(
        ("facts", "said"),
        [
            ({"load": Load.DEFERRED, "entity": "Item", "columns": ("notes",)}, "deferred load of Item.notes (SELECT …"),
            ({"load": Load.EXPIRED, "entity": "Item", "columns": ("id", "name")}, "reload of expired Item (SELECT …"),
            ({"load": Load.REFRESH, "entity": "Item"}, "refresh of Item (SELECT …"),
            ({"relationship": "Item.lots", "to_many": True}, "allowed but Item.lots (SELECT …"),
            ({"entity": "Item", "api": "get"}, "allowed but SELECT … FROM item ran"),
        ],
    )
    def test_says_why_it_was_sent(self, facts: dict[str, object], said: str) -> None:
        [finding] = repeated_statement(exchange(statements=repeats(3, **facts))).findings
        assert said in finding.message

    def test_a_violation_counts_on_any_response(self) -> None:
        assert repeated_statement(exchange(status=302, statements=repeats(5))).outcome is Outcome.FAIL
        assert repeated_statement(exchange(status=302)).outcome is Outcome.NOT_PROVED


class TestSlowStatement:
    SLOW = exchange(statements=(select(elapsed_ms=100.1), select(elapsed_ms=250.0), select(CATEGORY, elapsed_ms=1.0)))

    @pytest.mark.parametrize(
        ("context", "outcome"),
        [
            (Context(), Outcome.SKIPPED),
            (Context(hot=frozenset({"GET /items/"})), Outcome.FAIL),
            (Context(hot=frozenset({"GET /"})), Outcome.SKIPPED),
            (budgeted(), Outcome.FAIL),
            (Context(hot=frozenset({"GET /"}), budget=Budget(SUBJECT, 1, 0, 1)), Outcome.SKIPPED),
            (Context(Limits(slow_statement_ms=250.0), hot=frozenset({"GET /items/"})), Outcome.PASS),
        ],
        ids=["cold", "hot", "another is hot", "no hot paths: a budget", "hot paths: a budget is not enough", "limit"],
    )
    def test_only_hot_paths_are_judged(self, context: Context, outcome: Outcome) -> None:
        assert slow_statement(self.SLOW, context).outcome is outcome

    def test_one_finding_for_the_slowest_of_a_kind(self) -> None:
        [finding] = slow_statement(self.SLOW, budgeted()).findings
        assert finding.message == "Limited to 100 ms per statement but SELECT … FROM item took 250 ms"
        assert finding.evidence["slowest_ms"] == 250.0

    def test_exactly_the_limit_is_allowed(self) -> None:
        assert slow_statement(exchange(statements=(select(elapsed_ms=100.0),)), budgeted()).outcome is Outcome.PASS


class TestWriteOnSafeMethod:
    @pytest.mark.parametrize(
        ("sql", "named"),
        [
            ("UPDATE item SET views = ?", "UPDATE item"),
            ('INSERT INTO "user" (id) VALUES (?)', "INSERT user"),
            ("INSERT OR IGNORE INTO seen (id) VALUES (?)", "INSERT seen"),
            ("REPLACE INTO seen (id) VALUES (?)", "REPLACE seen"),
            ("DELETE FROM shop.cart WHERE id = ?", "DELETE shop.cart"),
            ("delete from `cart`", "DELETE cart"),
            ("UPDATE ONLY public.item SET a = ?", "UPDATE public.item"),
            ("MERGE INTO stock USING x", "MERGE stock"),
            ("TRUNCATE TABLE item", "TRUNCATE item"),
            ("WITH gone AS (DELETE FROM cart RETURNING id) SELECT id FROM gone", "DELETE cart"),
            ("CALL refresh_prices()", "CALL an unknown table"),
        ],
    )
    def test_names_verb_and_table(self, sql: str, named: str) -> None:
        [finding] = write_on_safe_method(exchange(statements=(dml(sql),))).findings
        assert finding.detail == named
        assert f"ran {named} once (1 row)" in finding.message

    @pytest.mark.parametrize(
        ("made", "outcome"),
        [
            (exchange(statements=(select(), Statement("CREATE TEMP TABLE t", "c", Kind.SCHEMA))), Outcome.PASS),
            (exchange(statements=(dml(rows=0),)), Outcome.FAIL),
            (exchange(method="HEAD", statements=(dml(),)), Outcome.FAIL),
            (exchange(method="POST", statements=(dml(),)), Outcome.SKIPPED),
            (exchange(method="OPTIONS", statements=(dml(),)), Outcome.SKIPPED),
            (exchange(status=302, statements=(dml(),)), Outcome.FAIL),
            (exchange(status=500, statements=(dml(),)), Outcome.FAIL),
            (exchange(status=404), Outcome.NOT_PROVED),
        ],
        ids=[
            "reads",
            "no row hit",
            "HEAD",
            "POST",
            "OPTIONS",
            "archives and redirects",
            "and crashes",
            "page not seen",
        ],
    )
    def test_judges_what_was_sent(self, made: Exchange, outcome: Outcome) -> None:
        assert write_on_safe_method(made).outcome is outcome

    def test_one_finding_per_verb_and_table(self) -> None:
        statements = (
            dml(),
            dml("UPDATE item SET seen = ?", rows=None),
            dml("INSERT INTO log (a) VALUES (?)", rows=None),
        )
        first, second = write_on_safe_method(exchange(statements=statements)).findings
        assert (first.detail, first.evidence["executions"], first.evidence["rows"]) == ("UPDATE item", 2, 1)
        assert second.message == "GET is limited to reading but ran INSERT log once"


class TestIdenticalStatement:
    @pytest.mark.parametrize(
        ("statements", "outcome"),
        [
            (repeats(2, distinct=1), Outcome.PASS),
            (repeats(3, distinct=1), Outcome.FAIL),
            (repeats(9), Outcome.PASS),
            (repeats(6, distinct=3), Outcome.PASS),
            (repeats(7, distinct=3), Outcome.FAIL),
            ((select(), select(fingerprint="b"), select(fingerprint="c")), Outcome.PASS),
        ],
        ids=["2", "3", "all different", "2 of each", "3 of one", "other statements"],
    )
    def test_counts_equal_parameters(self, statements: tuple[Statement, ...], outcome: Outcome) -> None:
        assert identical_statement(exchange(statements=statements)).outcome is outcome

    def test_the_setting_of_the_other_rule_does_not_move_it(self) -> None:
        context = Context(Limits(repeated_statements=50))
        assert identical_statement(exchange(statements=repeats(3, distinct=1)), context).outcome is Outcome.FAIL

    def test_says_how_often_the_same_was_asked(self) -> None:
        [finding] = identical_statement(exchange(statements=repeats(7, distinct=3))).findings
        assert "SELECT … FROM item ran 3 times with the same parameters" in finding.message
        assert finding.evidence["executions"] == 3


class TestQueryInTemplate:
    HERE, THERE = Place("list.html", 3, "{{ item.lots }}"), Place("base.html", 9, "{{ user.role }}")
    LAZY = select(load=Load.LAZY, relationship="Item.lots", to_many=True, template=HERE, place=HERE)

    def test_one_finding_per_line_of_a_template(self) -> None:
        by_property = select(CATEGORY, template=self.HERE, place=Place("models.py", 5, "return self.category"))
        role = select("SELECT role.id FROM role", template=self.THERE, place=self.THERE)
        made = exchange(template="list.html", statements=(select(), self.LAZY, by_property, role, self.LAZY))
        first, second = query_in_template(made).findings
        assert (first.place, second.place) == (self.HERE, self.THERE)
        assert first.message == (
            "Templates are limited to what they are given but list.html:3 ran lazy load of Item.lots "
            "(SELECT … FROM item) 2 times and SELECT … FROM category once"
        )
        assert "selectinload(Item.lots)" in first.remedy
        assert second.remedy == query_in_template.remedy
        assert first.evidence["statements"][1]["places"] == ["models.py:5"]
        assert first.fingerprint != second.fingerprint

    def test_a_template_without_a_file_is_named_and_placed_where_it_is_rendered(self) -> None:
        view = Place("views.py", 8, "return render_template_string(PAGE)")
        sent = select(template=Place("<string>", 2), place=view)
        [finding] = query_in_template(exchange(template="<string>", statements=(sent,))).findings
        assert finding.place == view
        assert "but <string>:2 ran SELECT … FROM item once" in finding.message

    @pytest.mark.parametrize(
        ("made", "outcome"),
        [
            (exchange(template="list.html", statements=(select(),)), Outcome.PASS),
            (exchange(statements=(select(),)), Outcome.NOT_PROVED),
            (exchange(content_type="application/json"), Outcome.SKIPPED),
            (exchange(content_type="application/json", template="part.html"), Outcome.PASS),
            (exchange(status=404, template="404.html"), Outcome.NOT_PROVED),
            (exchange(status=404, template="404.html", statements=(LAZY,)), Outcome.FAIL),
            (exchange(template="a.html", statements=(dml(template=HERE, place=HERE),)), Outcome.FAIL),
            (
                exchange(template="a.html", statements=(Statement("SET x", "s", Kind.TRANSACTION, template=HERE),)),
                Outcome.PASS,
            ),
            (exchange(status=302, headers=(("Location", "/"),)), Outcome.NOT_PROVED),
        ],
        ids=[
            "rendered, none sent",
            "HTML without a template",
            "JSON",
            "JSON with a rendered part",
            "not the page",
            "an error page that asks",
            "a template that writes",
            "no statement of the app's",
            "a redirect",
        ],
    )
    def test_what_may_be_said(self, made: Exchange, outcome: Outcome) -> None:
        assert query_in_template(made).outcome is outcome


def test_long_sql_is_cut_in_the_evidence() -> None:
    statements = repeats(3, fingerprint="f")
    long = tuple(
        select("SELECT " + "x, " * 900 + "y FROM t", parameters=s.parameters, fingerprint="f") for s in statements
    )
    [finding] = repeated_statement(exchange(statements=long)).findings
    assert len(finding.evidence["sql"]) == 400
    assert "SELECT … FROM t" in finding.message
