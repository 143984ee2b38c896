"""Which eager loads are seen, how large they were, and whether they were read."""

import contextlib
import copy
import pickle
import sys
import textwrap
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.orm import contains_eager, immediateload, joinedload, selectinload, subqueryload

from seatrial.observe import eager, statements
from seatrial.observe.callsite import CallSites

HERE = Path(__file__).parent


class Base(orm.DeclarativeBase):
    pass


class Supplier(Base):
    __tablename__ = "supplier"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(20))
    orders = orm.relationship("Order", back_populates="supplier", order_by="Order.id")
    tags = orm.relationship("Tag", lazy="selectin")
    labels = association_proxy("tags", "name")


class Order(Base):
    __tablename__ = "orders"
    id = sa.Column(sa.Integer, primary_key=True)
    supplier_id = sa.Column(sa.ForeignKey("supplier.id"))
    supplier = orm.relationship(Supplier, back_populates="orders")
    lines = orm.relationship("Line")


class Line(Base):
    __tablename__ = "line"
    id = sa.Column(sa.Integer, primary_key=True)
    order_id = sa.Column(sa.ForeignKey("orders.id"))


class Tag(Base):
    __tablename__ = "tag"
    id = sa.Column(sa.Integer, primary_key=True)
    supplier_id = sa.Column(sa.ForeignKey("supplier.id"))
    name = sa.Column(sa.String(20))


class Person(Base):
    __tablename__ = "person"
    id = sa.Column(sa.Integer, primary_key=True)
    kind = sa.Column(sa.String(10))
    boss_id = sa.Column(sa.ForeignKey("person.id"))
    staff = orm.relationship("Person", lazy="joined", join_depth=1)
    __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "person"}  # noqa: RUF012


class Captain(Person):
    __mapper_args__ = {"polymorphic_identity": "captain"}  # noqa: RUF012


@pytest.fixture(scope="module")
def engine():
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool, connect_args={"check_same_thread": False})
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        for number in range(3):
            supplier = Supplier(name=f"s{number}", tags=[])
            supplier.orders = [Order(lines=[Line(), Line()]) for _ in range(2)]
            session.add(supplier)
        session.add(Supplier(name="none", tags=[], orders=[]))
        captain = Captain()
        captain.staff = [Person(), Person()]
        session.add(captain)
        session.commit()
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine):
    with orm.Session(engine) as session:
        yield session


@pytest.fixture
def sites():
    return CallSites(HERE)


def load(loads, relationship):
    found = [load for load in loads.seen() if load.relationship == relationship]
    assert len(found) == 1, loads.seen()
    return found[0]


def suppliers(session, *options):
    return session.scalars(sa.select(Supplier).options(*options).order_by(Supplier.id)).unique().all()


WAYS = {
    "joined": lambda: joinedload(Supplier.orders),
    "selectin": lambda: selectinload(Supplier.orders),
    "subquery": lambda: subqueryload(Supplier.orders),
    "immediate": lambda: immediateload(Supplier.orders),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("read", [False, True])
def test_collections(session, sites, way, read):
    with eager.observe(sites) as loads:
        found = suppliers(session, WAYS[way]())
        if read:
            assert [len(supplier.orders) for supplier in found] == [2, 2, 2, 0]
    seen = load(loads, "Supplier.orders")
    assert (seen.strategy, seen.mapped, seen.parents, seen.rows, seen.read) == (way, False, 4, 6, read)
    assert (seen.through, seen.unseen) == ("", "")
    assert (seen.place.path, "session.scalars" in seen.place.text) == ("test_eager.py", True)


@pytest.mark.parametrize("option", [joinedload, selectinload, subqueryload, immediateload])
def test_many_to_one(session, sites, option):
    statement = sa.select(Order).options(option(Order.supplier)).where(Order.id <= 3)
    with eager.observe(sites) as loads:
        session.scalars(statement).all()
    assert (load(loads, "Order.supplier").parents, load(loads, "Order.supplier").rows) == (3, 3)
    assert not load(loads, "Order.supplier").read


def test_a_lazy_load_is_no_eager_load(session, sites):
    with eager.observe(sites) as loads:
        for supplier in session.scalars(sa.select(Supplier).options(orm.lazyload(Supplier.tags))):
            assert len(supplier.orders) in (0, 2)
    assert loads.seen() == ()


def test_contains_eager_is_named(session, sites):
    statement = sa.select(Supplier).join(Supplier.orders).options(contains_eager(Supplier.orders))
    with eager.observe(sites) as loads:
        session.scalars(statement).unique().all()
    assert (load(loads, "Supplier.orders").strategy, load(loads, "Supplier.orders").rows) == ("contains_eager", 6)


def test_the_mapping_itself_loads_eagerly(session, sites):
    with eager.observe(sites) as loads:
        suppliers(session)
    seen = load(loads, "Supplier.tags")
    assert (seen.strategy, seen.mapped, seen.parents, seen.rows, seen.read) == ("selectin", True, 4, 0, False)


def test_nothing_was_found_to_load_for(session, sites):
    with eager.observe(sites) as loads:
        statement = sa.select(Supplier).where(Supplier.id == -1)
        assert session.scalars(statement.options(selectinload(Supplier.orders))).all() == []
        assert session.scalars(statement.options(joinedload(Supplier.orders))).unique().all() == []
    assert loads.seen() == ()


def test_the_way_by_which_the_parents_came(session, sites):
    with eager.observe(sites) as loads:
        suppliers(session, selectinload(Supplier.orders).joinedload(Order.lines))
    assert load(loads, "Order.lines").through == "Supplier.orders"
    assert load(loads, "Order.lines").rows == 12
    with eager.observe(sites) as loads:
        session.expunge_all()
        suppliers(session, joinedload(Supplier.orders).selectinload(Order.lines))
    assert (load(loads, "Order.lines").through, load(loads, "Order.lines").rows) == ("Supplier.orders", 12)


def test_what_the_identity_map_had_already_is_not_loaded_again(session, sites):
    kept = suppliers(session, selectinload(Supplier.orders))
    with eager.observe(sites) as loads:
        assert suppliers(session, selectinload(Supplier.orders)) == kept
        assert suppliers(session, joinedload(Supplier.orders)) == kept
        assert suppliers(session, subqueryload(Supplier.orders)) == kept
    assert "Supplier.orders" not in {seen.relationship for seen in loads.seen()}


def test_subclasses_are_one_with_their_parent(session, sites):
    with eager.observe(sites) as loads:
        captain = session.scalars(sa.select(Captain)).unique().one()
    assert (load(loads, "Person.staff").mapped, load(loads, "Person.staff").read) == (True, False)
    with eager.observe(sites) as loads:
        session.expunge_all()
        captain = session.scalars(sa.select(Captain)).unique().one()
        assert len(captain.staff) == 2
    assert load(loads, "Person.staff").read


READS = {
    "getattr": lambda s: getattr(s, "orders"),  # noqa: B009
    "inspection": lambda s: sa.inspect(s).attrs.orders.value,
    "len alone": lambda s: len(s.orders),
    "another thread": lambda s: run_in_thread(lambda: s.orders),
    "written": lambda s: setattr(s, "orders", []),
}


def run_in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_every_access_is_a_read(session, sites, read):
    with eager.observe(sites) as loads:
        read(suppliers(session, selectinload(Supplier.orders))[0])
    assert load(loads, "Supplier.orders").read
    session.rollback()


def test_a_read_through_an_association_proxy(session, sites):
    with eager.observe(sites) as loads:
        assert list(suppliers(session)[0].labels) == []
    assert load(loads, "Supplier.tags").read


def test_a_read_after_the_observation_is_none(session, sites):
    with eager.observe(sites) as loads:
        found = suppliers(session, selectinload(Supplier.orders))
    assert len(found[0].orders) == 2
    assert not load(loads, "Supplier.orders").read


def test_objects_that_were_expired_or_dropped_were_loaded_all_the_same(session, sites):
    with eager.observe(sites) as loads:
        suppliers(session, joinedload(Supplier.orders))
        session.commit()
        session.close()
    assert load(loads, "Supplier.orders").rows == 6


def test_nothing_is_kept_alive(session, sites):
    """Else a session would answer from memory what it asks the database for without us."""
    with eager.observe(sites):
        suppliers(session, joinedload(Supplier.orders), selectinload(Supplier.tags))
        assert len(session.identity_map) == 0


def test_pickled_objects_cannot_be_observed(session, sites):
    with eager.observe(sites) as loads:
        pickle.dumps(suppliers(session, selectinload(Supplier.orders)))
    assert "was pickled" in load(loads, "Supplier.orders").unseen


def test_statements_are_the_same_with_and_without(engine, sites):
    def sent(observed):
        with orm.Session(engine) as session, statements.record(rows=True) as recording:
            if observed:
                with eager.observe(sites):
                    walk(session)
            else:
                walk(session)
        return [(s.sql, s.rows) for s in recording.statements()]

    def walk(session):
        for supplier in suppliers(session, joinedload(Supplier.orders).selectinload(Order.lines)):
            for order in supplier.orders:
                assert len(order.lines) == 2
        session.expire_all()
        session.refresh(session.get(Supplier, 1))

    assert sent(True) == sent(False) != []


def test_the_attribute_stays_what_it_was(session, sites):
    with eager.observe(sites):
        suppliers(session, selectinload(Supplier.orders))
    assert isinstance(Supplier.orders, orm.InstrumentedAttribute)
    assert type(Supplier.orders) is not orm.InstrumentedAttribute
    # Else every statement that names it would be compiled again and again.
    assert Supplier.orders._generate_cache_key() is not None
    assert str(Supplier.orders) == "Supplier.orders"
    assert sa.inspect(Supplier).relationships.orders is Supplier.orders.property
    assert copy.copy(Supplier.orders.__doc__) is None
    assert session.scalar(sa.select(sa.func.count()).select_from(Supplier).where(Supplier.orders.any())) == 3


def test_a_fault_of_the_observer_never_reaches_the_app(session, sites, monkeypatch):
    def broken(*_):
        raise RuntimeError("ours")

    monkeypatch.setattr(eager.Loads, "of", broken)
    with eager.observe(sites):
        for way in WAYS.values():
            session.expunge_all()
            assert [len(supplier.orders) for supplier in suppliers(session, way())] == [2, 2, 2, 0]


WHOLESALE = {
    "def dump(x):\n    return dict(x.__dict__)": 2,
    "def dump(x):\n    return vars(x)": 2,
    "def dump(x):\n    return inspect(x).dict": 2,
    "class Mixin:\n    def dump(self):\n        return self.__dict__": 3,
    "class Settings:\n    def dump(self):\n        return self.__dict__": None,
    "def dump(form):\n    return form.dict()": None,
    "def dump():\n    return vars()": None,
}


def call(models, parent):
    """Whatever function the source defines."""
    if hasattr(models, "Settings"):
        models.Settings().dump()
    elif hasattr(models, "Mixin"):
        parent.dump()
    else:
        run_quietly(models.dump, parent)


def run_quietly(function, parent):
    with contextlib.suppress(AttributeError, TypeError):
        function(parent)


@pytest.mark.parametrize(("source", "line"), WHOLESALE.items())
def test_lines_that_read_objects_at_once(tmp_path, monkeypatch, source, line):
    (tmp_path / "wholesale_models.py").write_text(
        textwrap.dedent("""
            import sqlalchemy as sa
            from sqlalchemy import inspect, orm
            {}

            class Base(orm.DeclarativeBase):
                pass
            class Mixin2(globals().get("Mixin", object)):
                pass
            class Parent(Mixin2, Base):
                __tablename__ = "parent"
                id = sa.Column(sa.Integer, primary_key=True)
                children = orm.relationship("Child")
            class Child(Base):
                __tablename__ = "child"
                id = sa.Column(sa.Integer, primary_key=True)
                parent_id = sa.Column(sa.ForeignKey("parent.id"))
        """).replace("{}", source)
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "wholesale_models", raising=False)
    import wholesale_models as models

    engine = sa.create_engine("sqlite://")
    models.Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add(models.Parent(children=[models.Child()]))
        session.commit()
    with orm.Session(engine) as session, eager.observe(CallSites(tmp_path)) as loads:
        session.scalars(sa.select(models.Parent).options(selectinload(models.Parent.children))).all()
        found = loads.seen()
        with eager.observe(CallSites(tmp_path), closely=True) as closely:
            session.expunge_all()
            parents = session.scalars(sa.select(models.Parent).options(selectinload(models.Parent.children))).all()
        with eager.observe(CallSites(tmp_path), closely=True) as ran:
            session.expunge_all()
            parents = session.scalars(sa.select(models.Parent).options(selectinload(models.Parent.children))).all()
            call(models, parents[0])
    engine.dispose()
    assert found == loads.seen()
    expected = f"wholesale_models.py:{line + 3} reads the attributes of objects at once" if line else ""
    assert load(loads, "Parent.children").unseen == expected
    assert load(closely, "Parent.children").unseen == ""
    assert load(ran, "Parent.children").unseen == expected
    monkeypatch.delitem(sys.modules, "wholesale_models")
