"""`seatrial db` on a real server: what comes out, run once, twice, and back."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from migrate.conftest import COLUMNS, Shop, make_inventory
from support import project

from seatrial.database import PostgresDatabases
from seatrial.migrate import environment
from seatrial.migrate.build import Action, drop, ensure
from seatrial.migrate.policy import Policy, RefusedError
from seatrial.migrate.specs import INVENTORY, SKUS, STRATEGIC, IndexSpec, index_name
from seatrial.migrate.state import State, standing
from seatrial.migrate.upgrade import downgrade, upgrade

Db = Callable[..., tuple[int, str]]
QUICK = Policy(preflight_s=0.5, lock_s=1.0, attempts=2, pause_s=0.1, run_lock_s=2.0, poll_s=0.05, deadline_s=20.0)


def test_seven_planned_indexes_on_the_tables_of_an_inventory(shop: Shop) -> None:
    report = upgrade(shop.engine, STRATEGIC, QUICK)
    assert [result.action for result in report.results] == [
        *[Action.CREATED] * 3, Action.COVERED, *[Action.CREATED] * 2, Action.NO_TABLE,
    ]  # fmt: skip
    assert set(shop.indexes().values()) == {True}
    assert len(shop.indexes()) == 5
    assert shop.ask("SELECT version_num FROM seatrial_alembic_version") == [("seatrial_0003",)]
    comments = shop.ask("SELECT DISTINCT obj_description(oid) FROM pg_class WHERE relname LIKE 'stx%%' ORDER BY 1")
    assert comments == [("seatrial seatrial_0001",), ("seatrial seatrial_0002",)]


def bakery() -> sa.MetaData:
    """Tables as an app for makers of goods has them: two histories, one of them with indexes, and no audit log."""
    models, text = sa.MetaData(), sa.String(32)
    sa.Table("organization", models, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", text))
    sa.Table(
        "inventory_item",
        models,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("organization_id", sa.ForeignKey("organization.id")),
        sa.Column("name", text),
        sa.Column("quantity", sa.Float),
    )
    for name in ("inventory_history", "product_sku_history"):
        sa.Table(
            name,
            models,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("inventory_item_id", sa.ForeignKey("inventory_item.id"), nullable=False),
            sa.Column("timestamp", sa.DateTime, server_default=sa.func.now()),
            sa.Column("change_type", text),
            sa.Column("quantity_change", sa.Float),
            sa.Column("remaining_quantity", sa.Float),
            sa.Column("fifo_code", text),
            sa.Column("expiration_date", sa.DateTime),
            sa.Column("organization_id", sa.ForeignKey("organization.id")),
        )
    skus = models.tables["product_sku_history"].c
    sa.Index("idx_item_remaining", skus.inventory_item_id, skus.remaining_quantity)
    sa.Index("idx_item_timestamp", skus.inventory_item_id, skus.timestamp)
    sa.Index("idx_change_type", skus.change_type)
    sa.Index("idx_fifo_code", skus.fifo_code)
    return models


def test_of_seven_planned_indexes_five_are_made_one_is_covered_and_one_has_no_table(
    empty: Shop, db: Db, tmp_path: Path
) -> None:
    bakery().create_all(empty.engine)
    theirs = set(empty.ask("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'"))
    code, said = db("upgrade", str(tmp_path), "--url", empty.url)
    assert code == 0
    assert said.splitlines()[-8:] == [
        "inventory_history(inventory_item_id, remaining_quantity): created",
        "inventory_history(inventory_item_id, expiration_date): created",
        "inventory_history(organization_id, timestamp): created",
        "product_sku_history(inventory_item_id, remaining_quantity): covered (idx_item_remaining)",
        "product_sku_history(inventory_item_id, expiration_date): created",
        "product_sku_history(organization_id, timestamp): created",
        "audit_log(organization_id, created_at): no such table (audit_log)",
        "5 created, 1 covered, 1 no such table",
    ]
    assert list(empty.indexes().values()) == [True] * 5
    code, said = db("verify", str(tmp_path), "--url", empty.url)
    assert (code, said.splitlines()[-1]) == (0, "6 of 6 planned indexes are deployed")
    assert db("downgrade", str(tmp_path), "--url", empty.url)[0] == 0
    assert set(empty.ask("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")) - theirs == {
        ("seatrial_alembic_version_pkc",)
    }
    assert theirs <= set(empty.ask("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'"))


def test_a_second_upgrade_does_nothing_and_a_downgrade_takes_only_ours(shop: Shop) -> None:
    upgrade(shop.engine, STRATEGIC, QUICK)
    before = shop.ask("SELECT relfilenode FROM pg_class WHERE relname LIKE 'stx%%' ORDER BY relname")
    again = upgrade(shop.engine, STRATEGIC, QUICK)
    assert {result.action for result in again.results} == {Action.PRESENT, Action.COVERED, Action.NO_TABLE}
    assert shop.ask("SELECT relfilenode FROM pg_class WHERE relname LIKE 'stx%%' ORDER BY relname") == before
    gone = downgrade(shop.engine, STRATEGIC, QUICK)
    assert sum(result.action is Action.DROPPED for result in gone.results) == 5
    assert shop.indexes() == {}
    assert shop.ask("SELECT count(*) FROM pg_class WHERE relname = 'app_lots'") == [(1,)]
    assert shop.ask("SELECT * FROM seatrial_alembic_version") == []


def test_the_catalog_is_the_truth_and_not_the_version_table(shop: Shop) -> None:
    upgrade(shop.engine, STRATEGIC, QUICK)
    shop.run(
        f"DROP INDEX {INVENTORY[0].name}",
        "CREATE TABLE audit_log (id integer, organization_id integer, created_at timestamp)",
    )
    report = upgrade(shop.engine, STRATEGIC, QUICK)
    created = [result.spec for result in report.results if result.action is Action.CREATED]
    assert created == [INVENTORY[0], STRATEGIC[-1]]


def test_a_table_without_the_column_is_normal(empty: Shop) -> None:
    empty.run("CREATE TABLE inventory_history (id integer, inventory_item_id integer)")
    report = upgrade(empty.engine, INVENTORY, QUICK)
    assert [str(result) for result in report.results] == [
        "inventory_history(inventory_item_id, remaining_quantity): no such column (remaining_quantity)",
        "inventory_history(inventory_item_id, expiration_date): no such column (expiration_date)",
        "inventory_history(organization_id, timestamp): no such column (organization_id, timestamp)",
    ]


@pytest.mark.parametrize(
    ("definition", "state"),
    [
        ("(inventory_item_id, remaining_quantity, note)", State.COVERED),
        ("(inventory_item_id, remaining_quantity) INCLUDE (note)", State.COVERED),
        ("(remaining_quantity, inventory_item_id)", State.MISSING),
        ("(inventory_item_id, remaining_quantity DESC)", State.MISSING),
        ("(inventory_item_id, remaining_quantity) WHERE note IS NULL", State.MISSING),
        ("(inventory_item_id)", State.MISSING),
        ("(inventory_item_id, (remaining_quantity + 1))", State.MISSING),
    ],
)
def test_what_covers_a_planned_index(shop: Shop, definition: str, state: State) -> None:
    from seatrial.migrate.catalog import snapshot

    shop.run(f"CREATE INDEX other ON inventory_history {definition}")
    with shop.engine.connect() as connection:
        assert standing(INVENTORY[0], snapshot(connection)).state is state


def test_a_hash_index_covers_nothing_and_a_view_is_no_table(empty: Shop) -> None:
    from seatrial.migrate.catalog import snapshot

    empty.run("CREATE TABLE t (a integer)", "CREATE INDEX h ON t USING hash (a)", "CREATE VIEW v AS SELECT a FROM t")
    with empty.engine.connect() as connection:
        catalog = snapshot(connection)
        assert standing(IndexSpec("t", ("a",)), catalog).state is State.MISSING
        assert standing(IndexSpec("v", ("a",)), catalog).state is State.NO_TABLE


def test_a_name_that_is_taken_is_told_and_nothing_is_changed(shop: Shop) -> None:
    shop.run(
        f"CREATE INDEX {INVENTORY[0].name} ON inventory_history (note)",
        f"CREATE TABLE {INVENTORY[1].name} (a integer)",
        f"CREATE INDEX {INVENTORY[2].name} ON product_sku_history (note)",
    )
    report = upgrade(shop.engine, INVENTORY, QUICK)
    assert {result.action for result in report.results} == {Action.CONFLICT}
    way_out = "rename or drop it, then run seatrial db upgrade again"
    definition = f"CREATE INDEX {INVENTORY[0].name} ON public.inventory_history USING btree (note)"
    assert [result.detail for result in report.conflicts] == [
        f"{INVENTORY[0].name} is another index: {definition}; {way_out}",
        f"the name {INVENTORY[1].name} belongs to something that is no index; {way_out}",
        f"the name {INVENTORY[2].name} belongs to something of product_sku_history; {way_out}",
    ]
    gone = downgrade(shop.engine, INVENTORY, QUICK)
    assert Action.DROPPED not in {r.action for r in gone.results if r.spec is INVENTORY[0]}
    assert shop.ask(f"SELECT count(*) FROM pg_class WHERE relname = '{INVENTORY[0].name}'") == [(1,)]


def test_partitioned_tables_are_left_to_a_person(empty: Shop) -> None:
    empty.run(f"CREATE TABLE inventory_history ({COLUMNS.replace(' PRIMARY KEY', '')}) PARTITION BY RANGE (id)")
    [result] = upgrade(empty.engine, INVENTORY[:1], QUICK).results
    assert result.action is Action.CONFLICT
    assert "ON ONLY" in result.detail


def test_indexes_in_another_schema(empty: Shop) -> None:
    empty.run("CREATE SCHEMA shop", "CREATE TABLE shop.orders (id integer, customer_id integer)")
    spec = IndexSpec("shop.orders", ("customer_id",))
    assert [result.action for result in upgrade(empty.engine, [spec], QUICK).results] == [Action.CREATED]
    assert [result.action for result in upgrade(empty.engine, [spec], QUICK).results] == [Action.PRESENT]
    assert empty.ask("SELECT schemaname FROM pg_indexes WHERE indexname LIKE 'stx%%'") == [("shop",)]
    [gone] = [r for r in downgrade(empty.engine, [spec], QUICK).results if r.spec is spec]
    assert gone.action is Action.DROPPED
    assert empty.indexes() == {}


def test_a_partial_index_and_one_of_words_that_are_keywords(empty: Shop) -> None:
    empty.run('CREATE TABLE "Order" (id integer, "user" text, "desc" text)')
    spec = IndexSpec("Order", ("user", "desc"), where="\"user\" LIKE 'a%'")
    [result] = upgrade(empty.engine, [spec], QUICK).results
    assert result.action is Action.CREATED
    assert [r.action for r in upgrade(empty.engine, [spec], QUICK).results] == [Action.PRESENT]


def test_a_unique_index_over_duplicates_is_a_sentence_and_leaves_nothing(shop: Shop) -> None:
    shop.run("INSERT INTO inventory_history (id, inventory_item_id) VALUES (1, 7), (2, 7)")
    with (
        shop.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        pytest.raises(RefusedError, match="remove the duplicates first"),
    ):
        ensure(connection, IndexSpec("inventory_history", ("inventory_item_id",), unique=True), QUICK)
    assert shop.indexes() == {}


def test_a_drop_leaves_alone_what_does_not_carry_our_comment(shop: Shop) -> None:
    shop.run(f"CREATE INDEX {INVENTORY[0].name} ON inventory_history (inventory_item_id, remaining_quantity)")
    with shop.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        assert drop(connection, INVENTORY[0], QUICK).action is Action.NOT_OURS
        # An upgrade takes it over: it is what was planned, under the name that was planned.
        assert ensure(connection, INVENTORY[0], QUICK).action is Action.PRESENT
        assert drop(connection, INVENTORY[0], QUICK).action is Action.DROPPED


def test_names_fit_every_server() -> None:
    long = index_name("a_table_with_quite_a_long_name", ("a_column_with_a_long_name", "another_one"))
    assert len(long) <= 60
    assert long != index_name("a_table_with_quite_a_long_name", ("a_column_with_a_long_name", "another_two"))
    assert all(len(spec.name) <= 60 and spec.name.startswith("stx_") for spec in STRATEGIC)


# ------------------------------------------------------------------------------------------------- the second branch
def test_the_table_of_events_comes_only_for_those_who_ask(shop: Shop) -> None:
    assert upgrade(shop.engine, INVENTORY, QUICK).told == ()
    assert not sa.inspect(shop.engine).has_table("stripe_events")
    assert upgrade(shop.engine, INVENTORY, QUICK, webhooks=True).told == ("stripe_events: created",)
    assert upgrade(shop.engine, INVENTORY, QUICK, webhooks=True).told == ()
    shop.run("INSERT INTO stripe_events (stripe_event_id, event_type, payload_hash) VALUES ('evt_1', 'x', 'y')")
    assert shop.ask("SELECT status, attempts, processed_at, next_attempt_at FROM stripe_events") == [
        ("pending", 0, None, None)
    ]
    with pytest.raises(sa.exc.IntegrityError):
        shop.run("INSERT INTO stripe_events (stripe_event_id, event_type, payload_hash) VALUES ('evt_1', 'x', 'y')")
    with pytest.raises(RefusedError, match="holds 1 rows"):
        downgrade(shop.engine, INVENTORY, QUICK, webhooks=True)
    assert len(shop.indexes()) == 5, "everything stays when the table has to stay"
    shop.run("DELETE FROM stripe_events")
    assert downgrade(shop.engine, INVENTORY, QUICK, webhooks=True).told == ("stripe_events: dropped",)
    assert not sa.inspect(shop.engine).has_table("stripe_events")
    assert shop.indexes() == {}


def test_an_existing_table_of_events_is_covered_and_never_dropped(shop: Shop) -> None:
    shop.run("CREATE TABLE stripe_events (id integer, stripe_event_id text UNIQUE, status text)")
    [told] = upgrade(shop.engine, (), QUICK, webhooks=True).told
    assert told.startswith("stripe_events: covered by the app's own; it lacks event_type, account, payload_hash")
    assert downgrade(shop.engine, (), QUICK, webhooks=True).told == ("stripe_events: left alone, it is the app's own",)
    assert sa.inspect(shop.engine).has_table("stripe_events")


# ----------------------------------------------------------------------------------------------------- the command line
def test_verify_is_red_before_and_green_after(shop: Shop, db: Db, tmp_path: Path) -> None:
    code, said = db("verify", str(tmp_path), "--url", shop.url)
    assert code == 1
    assert "inventory_history(organization_id, timestamp): missing" in said
    assert "1 of 6 planned indexes are deployed: run seatrial db upgrade" in said
    code, said = db("upgrade", str(tmp_path), "--url", shop.url)
    assert (code, said.splitlines()[-1]) == (0, "5 created, 1 covered, 1 no such table")
    metrics = tmp_path / "seatrial.prom"
    code, said = db("verify", str(tmp_path), "--url", shop.url, "--prometheus", str(metrics))
    assert (code, said.splitlines()[-1]) == (0, "6 of 6 planned indexes are deployed")
    values = dict(line.rsplit(" ", 1) for line in metrics.read_text().splitlines() if not line.startswith("#"))
    assert len(values) == 5 * 6
    assert {value for name, value in values.items() if "_deployed{" in name or "_valid{" in name} == {"1"}
    assert {value for name, value in values.items() if "_used{" in name} == {"0"}
    assert all(int(value) > 0 for name, value in values.items() if "_size_bytes{" in name)
    shop.run(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{INVENTORY[0].name}'::regclass")
    code, said = db("verify", str(tmp_path), "--url", shop.url, "--prometheus", str(metrics))
    assert code == 1
    assert f"{INVENTORY[0].subject}: invalid" in said
    assert "} 0" in next(x for x in metrics.read_text().splitlines() if x.startswith("seatrial_index_valid{"))


def test_verify_names_invalid_indexes_that_nobody_planned(shop: Shop, db: Db, tmp_path: Path) -> None:
    upgrade(shop.engine, STRATEGIC, QUICK)
    shop.run("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app_lots'::regclass")
    code, said = db("verify", str(tmp_path), "--url", shop.url)
    assert code == 1
    assert "product_sku_history: app_lots is invalid and planned by nobody" in said


def test_indexes_of_the_configuration_are_planned_too(shop: Shop, db: Db, tmp_path: Path) -> None:
    shop.run("CREATE TABLE orders (id integer, customer_id integer, state text)")
    more = """
        [[tool.seatrial.indexes]]
        table = "orders"
        columns = ["customer_id"]
        where = "state = 'open'"
    """
    root = project(tmp_path / "app", {"shop.py": ""}, more=more)
    assert db("verify", str(root), "--url", shop.url)[0] == 1
    code, said = db("upgrade", str(root), "--url", shop.url)
    assert (code, "orders(customer_id) where state = 'open': created" in said) == (0, True)
    assert db("verify", str(root), "--url", shop.url)[0] == 0
    comment = "SELECT obj_description(oid) FROM pg_class WHERE relname LIKE 'stx_orders%%'"
    assert shop.ask(comment) == [("seatrial tool.seatrial.indexes",)]
    assert "6 dropped" in db("downgrade", str(root), "--url", shop.url)[1]


def test_plan_changes_nothing_and_says_what_would_be_sent(shop: Shop, db: Db, tmp_path: Path) -> None:
    code, said = db("plan", str(tmp_path), "--url", shop.url)
    assert code == 0
    assert (
        f"    CREATE INDEX CONCURRENTLY {SKUS[1].name} ON product_sku_history (inventory_item_id, expiration_date);"
        in (said.splitlines())
    )
    assert "lock: SHARE UPDATE EXCLUSIVE" in said
    assert "product_sku_history(inventory_item_id, remaining_quantity): covered (app_lots)" in said
    assert shop.indexes() == {}
    assert not sa.inspect(shop.engine).has_table(environment.VERSION_TABLE)


def test_the_script_for_an_administrator_does_the_same(shop: Shop, db: Db, tmp_path: Path) -> None:
    code, script = db("upgrade", str(tmp_path), "--url", shop.url, "--sql", "--webhooks")
    assert code == 0
    assert shop.indexes() == {}
    statements = "\n".join(x for x in script.splitlines() if not x.startswith("--")).split(";\n")
    shop.run(*(statement for statement in statements if statement.strip()))
    assert len(shop.indexes()) == 5
    again = upgrade(shop.engine, STRATEGIC, QUICK, webhooks=True)
    assert {result.action for result in again.results} == {Action.PRESENT, Action.COVERED, Action.NO_TABLE}
    code, script = db("downgrade", str(tmp_path), "--url", shop.url, "--sql", "--webhooks")
    shop.run(*(line for line in script.splitlines() if not line.startswith("--")))
    assert shop.indexes() == {}
    assert shop.ask("SELECT * FROM seatrial_alembic_version") == []
    assert not sa.inspect(shop.engine).has_table("stripe_events")


def test_alembic_itself_runs_the_shipped_revisions(shop: Shop, tmp_path: Path) -> None:
    from seatrial import suites

    ini = suites.path("migrations") / "alembic.ini"
    for target, left in (("seatrial_indexes@head", 5), ("seatrial_indexes@base", 0)):
        step = "upgrade" if left else "downgrade"
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "-c", str(ini), "-x", f"url={shop.url}", step, target],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert len(shop.indexes()) == left


def test_a_hundred_tables_are_verified_from_one_look(empty: Shop, server: PostgresDatabases) -> None:
    make_inventory(empty)
    statements: list[str] = []
    engine = empty.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    from seatrial.migrate.verify import verify

    with engine.connect() as connection:
        verify(connection, STRATEGIC)
    assert len(statements) == 3
