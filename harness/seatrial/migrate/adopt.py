"""One history in place of two: a revision in the app's own Alembic folder that needs no Seatrial to run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from seatrial.migrate.specs import IndexSpec
from seatrial.model.errors import ConfigurationError

ADOPTED, ADVISED = "Indexes taken over from Seatrial", "Indexes that the app's own statements ask for"
"""What revisions are called."""

_TEMPLATE = '''"""{title}

Revision ID: {revision}
Revises: {down}
Create Date: {created}

"""
import sqlalchemy as sa
from alembic import context, op

revision = {revision!r}
down_revision = {down_literal}
branch_labels = None
depends_on = None

INDEXES = [
{indexes}]


def upgrade():
    with op.get_context().autocommit_block():
        _patiently()
        for name, table, columns, options in INDEXES:
            if _missing(name, table, options.get("schema")):
                op.create_index(name, table, columns, postgresql_concurrently=True, **options)
        _as_usual()


def downgrade():
    with op.get_context().autocommit_block():
        _patiently()
        for name, table, _, options in reversed(INDEXES):
            if context.is_offline_mode() or _known(name, table, options.get("schema")):
                op.drop_index(name, table, schema=options.get("schema"), postgresql_concurrently=True)
        _as_usual()


def _missing(name, table, schema):
    """What a build that ended in the middle has left is dropped: IF NOT EXISTS would keep it, and it serves nobody."""
    if context.is_offline_mode():
        return True
    if not _known(name, table, schema):
        return True
    if op.get_bind().dialect.name == "postgresql":
        valid = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
        if not op.get_bind().execute(valid, {{"name": f"{{schema}}.{{name}}" if schema else name}}).scalar():
            op.drop_index(name, table, schema=schema, postgresql_concurrently=True)
            return True
    return False


def _known(name, table, schema):
    return name in {{index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table, schema=schema)}}


def _patiently():
    """A concurrent build stalls nobody while it waits; a short limit only leaves invalid indexes."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("SET lock_timeout = '60s'")
        op.execute("SET statement_timeout = 0")


def _as_usual():
    if op.get_context().dialect.name == "postgresql":
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")
'''


@dataclass(frozen=True, slots=True)
class Adoption:
    """A revision that is to be written."""

    path: Path
    text: str
    models: tuple[str, ...]
    """What to add to the models, so that autogenerate knows the indexes."""


def adoption(folder: Path, specs: Sequence[IndexSpec], *, title: str = ADOPTED) -> Adoption:
    """The revision for `specs`, on top of the history in `folder`. Writes nothing.

    Raises ConfigurationError where there is no history, or one that does not end in one revision.
    """
    if not (folder / "env.py").is_file():
        raise ConfigurationError(f"{folder} is no folder of Alembic (it holds no env.py): name it with --directory.")
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    try:
        script = ScriptDirectory.from_config(config)
        heads = script.get_heads()
    except (CommandError, ImportError, SyntaxError) as error:
        raise ConfigurationError(f"the history in {folder} cannot be read ({error}): mend it first.") from None
    if len(heads) > 1:
        raise ConfigurationError(
            f"the history in {folder} ends in {len(heads)} revisions ({', '.join(sorted(heads))}): "
            "join them with flask db merge heads, then run the command again."
        )
    down = heads[0] if heads else None
    revision = hashlib.sha256("\0".join([str(down), *(spec.subject for spec in specs)]).encode()).hexdigest()[:12]
    text = _TEMPLATE.format(
        title=title,
        revision=revision,
        down=down or "",
        down_literal=repr(down),
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        indexes="".join(map(_row, specs)),
    )
    return Adoption(Path(script.versions) / f"{revision}_indexes_from_seatrial.py", text, tuple(map(_in_models, specs)))


def _row(spec: IndexSpec) -> str:
    schema, _, table = spec.table.rpartition(".")
    return f"    ({spec.name!r}, {table!r}, {list(spec.columns)!r}, {_options(spec, schema)}),\n"


def _options(spec: IndexSpec, schema: str) -> str:
    options = [f"'unique': {spec.unique}", *([f"'schema': {schema!r}"] if schema else [])]
    if spec.where:
        options += [f"'postgresql_where': sa.text({spec.where!r})", f"'sqlite_where': sa.text({spec.where!r})"]
    return "{" + ", ".join(options) + "}"


def _in_models(spec: IndexSpec) -> str:
    words = [repr(spec.name), *map(repr, spec.columns)]
    if spec.unique:
        words.append("unique=True")
    if spec.where:
        words.append(f"postgresql_where=text({spec.where!r})")
    return f"{spec.table}: Index({', '.join(words)})"
