"""Databases of several processes of one run: from one template, under names that never meet."""

import pytest
import sqlalchemy as sa

from seatrial.database import join_databases, open_databases
from seatrial.model.errors import BrokenError


@pytest.fixture(params=["sqlite", "embedded"])
def owner(request, monkeypatch):
    for name in ("PGHOSTADDR", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    with open_databases(request.param, run="abc") as opened:
        yield opened


def execute(url, sql):
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        result = connection.exec_driver_sql(sql)
        return result.scalars().all() if result.returns_rows else None


def test_each_clones_the_template_and_drops_only_its_own(owner):
    template = owner.name("template")
    owner.create(template)
    execute(owner.url(template), "CREATE TABLE t AS SELECT 7 AS x")
    recipe = owner.recipe(template)
    one, two = (join_databases(recipe, run=f"abc_gw{number}") for number in (0, 1))
    names = [joined.name("sweep") for joined in (one, two)]
    assert len({*names, owner.name("sweep")}) == 3
    for joined, name in zip((one, two), names, strict=True):
        joined.clone(template, name)
        assert execute(joined.url(name), "SELECT x FROM t") == [7]
    execute(one.url(names[0]), "DELETE FROM t")
    assert execute(two.url(names[1]), "SELECT x FROM t") == [7]
    one.clone(template, names[0])
    assert execute(one.url(names[0]), "SELECT x FROM t") == [7]
    for forbidden in (template, names[1], owner.name("sweep")):
        with pytest.raises(BrokenError, match="not a database of this run"):
            one.drop(forbidden)
        with pytest.raises(BrokenError):
            one.clone(template, forbidden)
    with pytest.raises(BrokenError, match="not a database of this run"):
        one.clone(names[1], names[0])
    one.close()
    assert execute(two.url(names[1]), "SELECT x FROM t") == [7]
    two.close()
    assert execute(owner.url(template), "SELECT x FROM t") == [7]


def test_only_what_was_made_here_is_handed_out(owner):
    with pytest.raises(BrokenError, match="was not made by this run"):
        owner.recipe(owner.name("nothing"))


def test_a_recipe_shows_no_password():
    with open_databases("embedded", run="abc") as owner:
        template = owner.name("template")
        owner.create(template)
        recipe = owner.recipe(template)
        assert owner.server is not None
        assert owner.server.password in recipe.place
        assert owner.server.password not in repr(recipe)
        # A server that is the user's is not stopped, so what a killed process left on it has to be dropped by name.
        named = open_databases(owner._url.render_as_string(hide_password=False), run="def")
        named.create(named.name("template"))
        left = join_databases(named.recipe(named.name("template")), run="def_gw0")
        left.clone(named.name("template"), left.name("sweep"))
        named.close()
        everything = execute(owner.url(template), "SELECT datname FROM pg_database")
        assert [name for name in everything if name.startswith("seatrial_def")] == []
        assert template in everything
        left.close()
