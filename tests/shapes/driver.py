"""A host that holds the app with all shapes."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shapes.catalogue import APP, TOKEN, Shape
from support import project

from seatrial.config import load
from seatrial.model.findings import Judgement
from seatrial.model.inventory import Inventory
from seatrial.model.profiles import Profile
from seatrial.model.rules import Context
from seatrial.rules.growth import n_plus_one
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

CONFIG = """
    [tool.seatrial]
    app = "gazette:create_app"
    seed = "gazette:seed"
    [tool.seatrial.database]
    url = "{database}"
    [tool.seatrial.env]
    DATABASE_URL = "{{database_url}}"
    [[tool.seatrial.identities]]
    name = "member"
    headers = {token}
    """


class Host:
    """Asks SQL001 about shapes, about each once."""

    def __init__(self, inventory: Inventory, pilot: Pilot) -> None:
        self._inventory, self._pilot = inventory, pilot
        self._judged: dict[tuple[str, str], Judgement] = {}
        self.requests = 0
        """Sent by the trials."""

    def judge(self, shape: Shape, kind: str) -> Judgement:
        if (shape.name, kind) not in self._judged:
            growth = self._pilot.growth(self._inventory.by_key(shape.key(kind)), shape.identity)
            self.requests += growth.requests
            self._judged[shape.name, kind] = n_plus_one(growth, Context())
        return self._judged[shape.name, kind]


@contextmanager
def open_host(database: str) -> Iterator[Host]:
    """`database`: `sqlite` or `embedded`."""
    token = ", ".join(f'{name} = "{value}"' for name, value in TOKEN.items())
    with tempfile.TemporaryDirectory() as folder:
        root = project(Path(folder) / "app", {}, config=CONFIG.format(database=database, token=f"{{ {token} }}"))
        shutil.copytree(APP, root / APP.name, ignore=shutil.ignore_patterns("__pycache__"))
        with open_run(load(root)) as run:
            yield Host(prepare(run, Profile.SWEEP), Pilot(run))
