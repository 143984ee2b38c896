"""`flask webhooks retry | dead | requeue`, and the same as `seatrial webhooks`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from seatrial.kit.webhooks.records import Entry
from seatrial.kit.webhooks.service import StripeService, service_of


@contextmanager
def _reported() -> Iterator[None]:
    """A database that cannot be used ends in a sentence."""
    try:
        yield
    except SQLAlchemyError as error:
        raise click.ClickException(
            f"the table of events cannot be used ({type(error).__name__}): is the database up, and migrated?"
        ) from error


def _service() -> StripeService:
    try:
        return service_of()
    except LookupError as error:
        raise click.UsageError(str(error)) from error


@click.group(name="webhooks")
def group() -> None:
    """Webhook events that failed: try them again, list dead letters, requeue them."""


@group.command()
@click.option(
    "--limit", metavar="N", default=100, show_default=True, type=click.IntRange(1), help="At most this many events."
)
@with_appcontext
@_reported()
def retry(limit: int) -> None:
    """Try the failed events that are due, then end: for cron. Exit code 1 where one became a dead letter."""
    tried = _service().retry_due(limit)
    for event_id, result in tried:
        click.echo(f"{event_id}  {result['outcome']}  {result['message']}")
    done = sum(1 for _, result in tried if result["success"])
    dead = sum(1 for _, result in tried if result["outcome"] == "dead")
    click.echo(f"{len(tried)} tried: {done} processed, {len(tried) - done - dead} to be tried again, {dead} dead")
    if dead:
        raise SystemExit(1)


@group.command()
@click.option(
    "--limit", metavar="N", default=100, show_default=True, type=click.IntRange(1), help="At most this many events."
)
@with_appcontext
@_reported()
def dead(limit: int) -> None:
    """List the dead letters, the newest first, and count the rest."""
    ledger = _service().ledger
    for entry in ledger.entries("dead", limit=limit):
        click.echo(_line(entry))
    counts = ledger.counts()
    click.echo(", ".join(f"{number} {status}" for status, number in sorted(counts.items())) or "no events")


@group.command()
@click.argument("event_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every dead letter.")
@with_appcontext
@_reported()
def requeue(event_ids: tuple[str, ...], everything: bool) -> None:
    """Let the next retry take dead or failed events again, with all their attempts."""
    if everything == bool(event_ids):
        raise click.UsageError("name either event ids or --all")
    ledger = _service().ledger
    refused = []
    for event_id in [entry.event_id for entry in ledger.entries("dead", limit=10_000)] if everything else event_ids:
        status = ledger.requeue(event_id)
        if status in ("dead", "failed"):
            click.echo(f"{event_id}  was {status}, is tried with the next retry")
        else:
            refused.append(f"{event_id} is {status}" if status else f"{event_id} is not known")
    if refused:
        raise click.UsageError(f"{'; '.join(refused)}: only dead and failed events can be requeued")


def _line(entry: Entry) -> str:
    conflicts = f", {entry.conflicts} conflicts" if entry.conflicts else ""
    seen = f"{entry.created_at:%Y-%m-%d %H:%M}"
    return f"{entry.event_id}  {entry.event_type}  {seen}  {entry.attempts} attempts{conflicts}  {entry.error_message}"
