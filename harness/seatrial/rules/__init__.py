"""The rules: pure functions from evidence to judgements, one module per family."""

from seatrial.rules import arc, cfg, cke, csr, eager, err, growth, hdr, rtl, sql, tst, typ
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
    "registered",
    "rtl",
    "rule",
    "sql",
    "tst",
    "typ",
]
