import logging
from collections.abc import Iterator

import pytest
from monitor.shops import Records


@pytest.fixture
def logged() -> Iterator[Records]:
    """What the logger `seatrial.monitor` writes."""
    logger, handler = logging.getLogger("seatrial.monitor"), Records()
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
