"""Bits and pieces."""

from flask import abort, request
from werkzeug.routing import IntegerConverter, ValidationError


class IdConverter(IntegerConverter):
    def to_python(self, value):
        if len(value) > 10 or int(value) > 2**31 - 1:
            raise ValidationError
        return int(value)


def refuse_nul():
    values = [*request.args.values(), *(request.view_args or {}).values()]
    if request.mimetype == "application/x-www-form-urlencoded":
        values += request.form.values()
    if any("\0" in str(value) for value in values):
        abort(400)


def to_int(text, default=0, low=0, high=1_000_000):
    try:
        return min(max(int(text), low), high)
    except (TypeError, ValueError):
        return default


def money(cents):
    return f"{cents / 100:,.2f}"
