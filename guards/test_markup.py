"""Markup that is sent in, on every page that shows it: it must have stayed text."""

from seatrial.plugin.aims import showing
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import err


@guard(over=showing, rules=[err.unescaped_markup])
def test_markup(trial: Trial) -> None:
    trial.judge(err.unescaped_markup, trial.markup())
