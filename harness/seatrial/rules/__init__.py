"""The rules: pure functions from evidence to judgements, one module per family."""

from seatrial.rules import cfg, cke, csr, eager, err, growth, hdr, lat, mem, regression, rtl, sql, tst
from seatrial.rules.registry import find, registered, rule

__all__ = [
    "cfg",
    "cke",
    "csr",
    "eager",
    "err",
    "find",
    "growth",
    "hdr",
    "lat",
    "mem",
    "registered",
    "regression",
    "rtl",
    "rule",
    "sql",
    "tst",
]
