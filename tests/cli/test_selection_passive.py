"""A rule that judges the team's own tests is nothing that a check could plan."""

import pytest
from support import project

from seatrial.cli.selection import Selection
from seatrial.config import load
from seatrial.model.errors import ConfigurationError


@pytest.mark.parametrize(("only", "skip"), [("TST", ""), ("SQL,TST001", ""), ("", "tst001")])
def test_a_check_says_where_it_is_judged(tmp_path, only, skip):
    settings = load(project(tmp_path, {}))
    with pytest.raises(ConfigurationError, match="run pytest --seatrial-passive"):
        Selection.parse(only, skip, settings)


def test_a_check_never_plans_it(tmp_path):
    selection = Selection.parse("", "", load(project(tmp_path, {})))
    assert "SQL008" in selection.rules
    assert "TST001" not in selection.rules
