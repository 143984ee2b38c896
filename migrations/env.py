"""The environment of Seatrial's own revisions; everything it does stands in `seatrial.migrate.environment`."""

from seatrial.migrate.environment import run

run()
