"""The rules: pure functions from evidence to judgements, one module per family."""

from seatrial.rules import arc, cfg, cke, csr, eager, err, growth, hdr, idm, oau, red, rtl, ses, sql, tst, typ, whk
from seatrial.rules.registry import find, registered, rule

__all__ = [
    "arc",
    "cfg",
    "cke",
    "csr",
    "eager",
    "err",
    "find",
    "growth",
    "hdr",
    "idm",
    "oau",
    "red",
    "registered",
    "rtl",
    "rule",
    "ses",
    "sql",
    "tst",
    "typ",
    "whk",
]
