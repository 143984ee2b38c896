"""SQL text: what a statement does, what it looks like without its values, and a stable name for it.

Pure functions of the text. The scanner knows comments, strings, quoted identifiers and placeholders; it is not a
parser. Known limits: on SQLite a double-quoted string that stands for a literal is taken for an identifier, and a
nested PostgreSQL comment ends at its first `*/`.
"""

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from seatrial.model.evidence import Kind

LONGEST_SQL = 10_000
"""Characters of a statement that are kept for people to read. The fingerprint sees all of it."""


class Shape(NamedTuple):
    """A statement without its values."""

    sql: str
    """For people: one line, no comments, literals replaced by `?`, the driver's placeholders kept."""
    fingerprint: str
    """12 hex digits, the same in every process, Python version and PostgreSQL driver."""
    kind: Kind


def shape(sql: str, *, backslashes: bool = False) -> Shape:
    """Describe a statement. `backslashes`: MySQL's rules (`\\'` inside strings, double quotes are strings)."""
    shown, form = _scan(sql, backslashes)
    if len(shown) > LONGEST_SQL:
        shown = shown[:LONGEST_SQL] + "…"
    # surrogates come from clients that decode badly; a hash must not fail on them
    digest = hashlib.sha256(form.encode("utf-8", "surrogateescape")).hexdigest()
    return Shape(shown, digest[:12], _kind(form))


cached_shape = lru_cache(maxsize=4096)(shape)
"""For text that SQLAlchemy compiled: few, and free of values. Hand-written text must not be kept in a cache."""


# ---------------------------------------------------------------------------------------------------- scanning
_STRING = r"""
    (?<!\w)[eE]'(?:\\.|''|[^'\\])*(?:'|\Z)
  | (?:(?<!\w)(?:[nNbBxX]|[uU]&))?'(?:''|[^'])*(?:'|\Z)
  | \$(?P<tag>[A-Za-z_]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)
"""
_MYSQL_STRING = r"""
    (?:(?<!\w)[nNbBxX])?'(?:\\.|''|[^'\\])*(?:'|\Z)
  | "(?:\\.|""|[^"\\])*(?:"|\Z)
"""
_TOKENS = r"""
    (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
  | (?P<string> {strings} )
  | (?P<quoted> "(?:""|[^"])*(?:"|\Z) | `(?:``|[^`])*(?:`|\Z) )
  | (?P<expanding> __\[POSTCOMPILE_[^\]]*\] )
  | (?P<placeholder> %\([^)]*\)s | %[sb](?!\w) | (?<![\w$])\$\d+ | (?<![:\w]):(?![:=])\w+ | \? )
  | (?P<number> (?<![\w$])(?: 0[xX][\da-fA-F]+ | (?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)? )(?!\w) )
  | (?P<space> \s+ )
"""
_SCANNER = re.compile(_TOKENS.format(strings=_STRING), re.VERBOSE | re.DOTALL)
_MYSQL_SCANNER = re.compile(_TOKENS.format(strings=_MYSQL_STRING), re.VERBOSE | re.DOTALL)


def _scan(sql: str, backslashes: bool) -> tuple[str, str]:
    """(text for people, normal form that the fingerprint is taken of)."""
    shown: list[str] = []
    form: list[str] = []
    position = 0
    for match in (_MYSQL_SCANNER if backslashes else _SCANNER).finditer(sql):
        gap = sql[position : match.start()]
        shown.append(gap)
        form.append(gap.lower())
        position = match.end()
        what = match.lastgroup if match.lastgroup != "tag" else "string"
        if what in ("comment", "space"):
            shown.append(" ")
            form.append(" ")
        elif what == "quoted":
            shown.append(match.group())
            form.append(match.group())
        else:
            shown.append(match.group() if what == "placeholder" else "?")
            form.append("?")
    shown.append(sql[position:])
    form.append(sql[position:].lower())
    return _tidy("".join(shown)), _normal("".join(form))


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().rstrip("; ")


_STEPS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # layout
        (r" ?, ?", ", "),
        (r"([(\[]) ", r"\1"),
        (r" ([)\]])", r"\1"),
        (r" ?(<>|!=|<=|>=|\|\||[=<>]) ?", r" \1 "),
        # psycopg and asyncpg write a cast behind each placeholder, psycopg2 does not: the statement is the same
        (
            (
                r"\? ?:: ?(?:\"[^\"]*\"|[a-z_][\w.]*)(?: with(?:out)? time zone| varying| precision)?"
                r"(?:\([?, ]*\))?(?:\[\])*"
            ),
            "?",
        ),
        # the sign belongs to the literal
        (
            r"(^|[(\[,=<>*/+]|\b(?:between|and|or|limit|offset|values|then|else|when|select|return|like|by)) ?[-+] ?\?",
            r"\1 ?",
        ),
        (r"([(\[]) ", r"\1"),
        # lists of any length are one statement: IN, ARRAY, the rows of VALUES
        (r"(\(\?(?:, \?)+\))(?:, \(\?(?:, \?)+\))+", r"\1"),
        (r"\bin \((?:\?|\(\?(?:, \?)*\))(?:, (?:\?|\(\?(?:, \?)*\)))*\)", "in (?)"),
        (r"\barray\[\?(?:, \?)*\]", "array[?]"),
        (r"\b(values ?\([^()]*\))(?:, \([^()]*\))+", r"\1"),
    )
)


def _normal(form: str) -> str:
    form = _tidy(form)
    for pattern, replacement in _STEPS:
        form = pattern.sub(replacement, form)
    return form.strip()


# ---------------------------------------------------------------------------------------------------- kinds
_FIRST_WORDS: dict[str, Kind] = {
    **dict.fromkeys(("select", "values", "table", "declare"), Kind.SELECT),
    # call, do, exec: may write. Counting them as reads would let a GET that writes pass.
    **dict.fromkeys(
        ("insert", "update", "delete", "merge", "replace", "upsert", "truncate", "copy", "load", "call", "do",
         "exec", "execute"),
        Kind.DML,
    ),
    **dict.fromkeys(
        ("create", "alter", "drop", "comment", "grant", "revoke", "analyze", "analyse", "vacuum", "reindex", "cluster",
         "refresh", "attach", "detach", "rename", "security", "reassign", "import", "optimize", "explain", "describe",
         "desc"),
        Kind.SCHEMA,
    ),
    **dict.fromkeys(
        ("begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare", "deallocate",
         "pragma", "set", "reset", "show", "use", "discard", "lock", "unlock", "listen", "unlisten", "notify", "fetch",
         "move", "close", "checkpoint"),
        Kind.TRANSACTION,
    ),
}  # fmt: skip
_WEIGHT = (Kind.TRANSACTION, Kind.SCHEMA, Kind.SELECT, Kind.DML)
_QUOTED = re.compile(r'"(?:""|[^"])*"?|`(?:``|[^`])*`?')
_INNER = re.compile(r"\([^()]*\)")
_WRITE_IN_PARENTHESES = re.compile(r"\((?:insert into|delete from|merge into|replace into|update (?![,)]))")
_MAIN_VERB = re.compile(r"\b(select|insert|update|delete|merge|replace|values|table)\b")
_HOUSEKEEPING = re.compile(
    # what SQLAlchemy and drivers ask on their own: sequence values, last row ids, facts of a new connection
    r"select (?:(?:nextval|currval|lastval|last_insert_id|last_insert_rowid|scope_identity)\([^()]*\)"
    r"|@@identity|@@version|@@transaction_isolation|@@tx_isolation"
    r"|next value for [\w.\"]+|[\w.\"]+\.(?:nextval|currval) from dual"
    r"|pg_catalog\.version\(\)|current_schema\(\))(?: as \w+)?"
)


def _kind(form: str) -> Kind:
    """Of several statements in one text, the weightiest: dml, select, schema, transaction."""
    plain = _QUOTED.sub("q", form)
    kinds = [_kind_of_one(part.strip()) for part in plain.split(";") if part.strip()]
    return max(kinds, key=_WEIGHT.index, default=Kind.TRANSACTION)


def _kind_of_one(plain: str) -> Kind:
    plain = plain.lstrip("( {")
    word = (re.match(r"[a-z_]+", plain) or [""])[0]
    if word == "with":
        return _kind_of_with(plain)
    if word == "explain":
        return _kind_of_explain(plain)
    if word == "select":
        if _HOUSEKEEPING.fullmatch(plain):
            return Kind.TRANSACTION
        # SELECT … INTO new_table is CREATE TABLE AS in other words
        return Kind.SCHEMA if re.search(r"\binto (?!@)\S", _outside_parentheses(plain)) else Kind.SELECT
    if word == "copy" and re.search(r"\bto\b", _outside_parentheses(plain)):
        return Kind.SELECT
    # An unknown first word is counted, but no claim of a write is built on it.
    return _FIRST_WORDS.get(word, Kind.SELECT)


def _kind_of_with(plain: str) -> Kind:
    """A CTE that writes makes the whole statement dml; otherwise the verb after the CTEs decides."""
    if _WRITE_IN_PARENTHESES.search(plain):
        return Kind.DML
    verb = _MAIN_VERB.search(_outside_parentheses(plain))
    return _FIRST_WORDS[verb[1]] if verb else Kind.SELECT


def _kind_of_explain(plain: str) -> Kind:
    """A tool's question, never counted, unless ANALYZE really runs a statement that writes."""
    inner = re.sub(r"^explain (?:\([^()]*\) ?|(?:analy[sz]e|verbose|query plan) )*", "", plain)
    runs = "analy" in plain[: len(plain) - len(inner)]
    return Kind.DML if runs and inner and _kind_of_one(inner) is Kind.DML else Kind.SCHEMA


def _outside_parentheses(plain: str) -> str:
    count = 1
    while count:
        plain, count = _INNER.subn(" ", plain)
    return plain
