"""Tables from the app's metadata, tolerantly: what a database refuses is left out in memory and named."""

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from seatrial.model.errors import ConfigurationError
from seatrial.target.binds import Bind


def create(binds: list[Bind]) -> list[str]:
    """Create every table that is missing; returns a sentence per repair.

    Raises:
        ConfigurationError: Not one table could be created.
    """
    notes: list[str] = []
    for bind in binds:
        if bind.metadata is None or not bind.metadata.tables:
            continue
        notes += _leave_out_impossible_keys(bind)
        try:
            bind.metadata.create_all(bind.engine)
        except SQLAlchemyError as error:
            notes += _one_by_one(bind, error)
    return notes


def _leave_out_impossible_keys(bind: Bind) -> list[str]:
    """Foreign keys whose target is not unique: SQLite takes them, PostgreSQL refuses the whole table.

    `ddl_if` keeps the key in the metadata (relationships still work) and out of the DDL; removing the constraint does
    not: it is found again through its columns.
    """
    if bind.engine.dialect.name == "sqlite" or bind.metadata is None:
        return []
    notes = []
    for table in bind.metadata.tables.values():
        for key in table.foreign_key_constraints:
            try:
                target = key.referred_table
                columns = {element.column.name for element in key.elements}
            except SQLAlchemyError:
                continue  # names a table that is nowhere: create_all will say so
            if not _unique(target, columns):
                key.ddl_if(callable_=lambda *_, **__: False)
                notes.append(
                    f"{bind.engine.dialect.name} refuses the foreign key {table.name}({', '.join(key.column_keys)}) → "
                    f"{target.name}({', '.join(sorted(columns))}): its target is not unique; it was left out"
                )
    return notes


def _unique(table: sa.Table, columns: set[str]) -> bool:
    if {column.name for column in table.primary_key.columns} == columns:
        return True
    if len(columns) == 1 and table.columns[next(iter(columns))].unique:
        return True
    constraints = (c for c in table.constraints if isinstance(c, sa.UniqueConstraint))
    return any({column.name for column in c.columns} == columns for c in constraints) or any(
        index.unique and {column.name for column in index.columns} == columns for index in table.indexes
    )


def _one_by_one(bind: Bind, first: SQLAlchemyError) -> list[str]:
    """One table at a time, so that one bad table does not cost the others."""
    assert bind.metadata is not None
    notes: list[str] = []
    created = 0
    for table in bind.metadata.sorted_tables:
        try:
            table.create(bind.engine, checkfirst=True)
            created += 1
        except SQLAlchemyError as error:
            notes.append(f"table {table.name} could not be created: {_short(error)}; routes that read it will fail")
    if not created:
        raise ConfigurationError(
            f"database: no table could be created on {bind.engine.dialect.name}: {_short(first)}; "
            'try url = "sqlite" under [tool.seatrial.database], or create the schema in the seed callable'
        )
    return notes


def _short(error: SQLAlchemyError) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())[:200]
