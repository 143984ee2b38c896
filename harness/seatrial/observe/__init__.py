"""What happens while the app under trial runs: statements sent, calls tried, databases asked for.

Needs the standard library and SQLAlchemy only, so that it can sit in a host process, in the team's own pytest process
and inside a deployed app. Import the module you need (`seatrial.observe.statements`); this package imports none.
"""
