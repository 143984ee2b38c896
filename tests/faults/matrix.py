"""What every variant of `handlers.py` is to be convicted of, family by family, on each database, and why.

(convictions, tried) of the whole family. The same numbers on both databases unless one is named apart.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support import project

from seatrial.config import load
from seatrial.host.run import Run
from seatrial.model import webhooks as faults
from seatrial.model.profiles import Profile
from seatrial.model.webhooks import Broken
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.webhooks import breaking

HANDLERS = Path(__file__).parent / "handlers.py"
PATH, EVENT = "/webhook", "invoice.paid"
NOT_UNIQUE = ("naive", "check_then_act", "one_transaction_no_unique", "remembered_in_memory")
CONFIG = """
    [tool.seatrial]
    app = "handlers:create_app"
    seed = "handlers:seed"
    environment = "production"
    [tool.seatrial.database]
    url = "{database}"
    [tool.seatrial.env]
    HANDLER = "{variant}"
    NOT_UNIQUE = "{not_unique}"
    {env}
    [tool.seatrial.config]
    SQLALCHEMY_DATABASE_URI = "{{database_url}}"
    [[tool.seatrial.webhooks]]
    path = "/webhook"
    provider = "stripe"
    secret_config = "STRIPE_WEBHOOK_SECRET"
    events = ["invoice.paid"]
    bookkeeping = ["stripe_event.attempts", "stripe_event.error_message", "stripe_event.next_attempt_at"]
    {more}
"""


@contextmanager
def trial_of(variant: str, database: str, *, env: str = "", more: str = "") -> Iterator[Run]:
    """A run with the variant in its host."""
    with tempfile.TemporaryDirectory() as folder:
        names = " ".join(NOT_UNIQUE)
        config = CONFIG.format(database=database, variant=variant, not_unique=names, env=env, more=more)
        root = project(Path(folder) / "app", {}, config=config)
        shutil.copy(HANDLERS, root)
        with open_run(load(root)) as run:
            prepare(run, Profile.PROTECTION)
            yield run


def broken(run: Run, family: str, *, limit_s: float = 600.0, only: str = "", enough: int = 0) -> Broken:
    """All of a family, however long it takes."""
    deadline = limit_s + 60
    return run.call(Profile.PROTECTION, breaking.broken, deadline, PATH, EVENT, family, limit_s, only, enough)


def convictions(run: Run, families: Sequence[str] = faults.BREAKING) -> dict[str, tuple[int, int]]:
    """(convicted, tried) by family."""
    found = {}
    for family in families:
        evidence = broken(run, family)
        assert not evidence.reason, evidence.reason
        assert evidence.left == 0
        assert evidence.unheard == 0
        found[family] = (len(evidence.convicted), evidence.tried)
    return found
