"""What a statement does, and what it is called."""

import subprocess
import sys
import time

import pytest

from seatrial.model.evidence import Kind
from seatrial.observe.sql import LONGEST_SQL, shape

SELECT, DML, SCHEMA, TRANSACTION = Kind.SELECT, Kind.DML, Kind.SCHEMA, Kind.TRANSACTION


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT 1", SELECT),
        ("  select * from t", SELECT),
        ("(SELECT 1) UNION (SELECT 2)", SELECT),
        ("/* a */ -- b\n SELECT 1", SELECT),
        ("SELECT * FROM t FOR UPDATE", SELECT),
        ("SELECT * FROM t FOR NO KEY UPDATE SKIP LOCKED", SELECT),
        ("SELECT 'INSERT INTO t'", SELECT),
        ('SELECT "into x" FROM t', SELECT),
        ("VALUES (1), (2)", SELECT),
        ("TABLE users", SELECT),
        ("DECLARE c CURSOR FOR SELECT 1", SELECT),
        ("COPY t TO STDOUT", SELECT),
        ("COPY (SELECT 1) TO STDOUT", SELECT),
        ("WITH x AS (SELECT 1) SELECT * FROM x", SELECT),
        ("WITH x AS (SELECT * FROM t FOR UPDATE) SELECT * FROM x", SELECT),
        ("WITH RECURSIVE x(n) AS (VALUES (1) UNION ALL SELECT n+1 FROM x) SELECT n FROM x", SELECT),
        ("SELECT pg_advisory_lock(1)", SELECT),
        ("SELECT nextval('s'), * FROM t", SELECT),
        ("FROBNICATE 1", SELECT),
        ("INSERT INTO t VALUES (1)", DML),
        ("insert into t select * from u", DML),
        ("INSERT INTO t VALUES (1) RETURNING id", DML),
        ("UPDATE t SET a = 1", DML),
        ("DELETE FROM t", DML),
        ("REPLACE INTO t VALUES (1)", DML),
        ("MERGE INTO t USING u ON a = b WHEN MATCHED THEN DELETE", DML),
        ("TRUNCATE t", DML),
        ("COPY t FROM STDIN", DML),
        ("CALL p()", DML),
        ("WITH x AS (INSERT INTO t VALUES (1) RETURNING id) SELECT * FROM x", DML),
        ("WITH x AS MATERIALIZED ( DELETE FROM t RETURNING id ) SELECT count(*) FROM x", DML),
        ("WITH x AS (UPDATE t SET a = 1 RETURNING id) SELECT * FROM x", DML),
        ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", DML),
        ("WITH x AS (SELECT (1), f((2))) UPDATE t SET a = (SELECT 1)", DML),
        ("WITH x AS (SELECT 1) DELETE FROM t USING x", DML),
        ("SET x = 1; DELETE FROM t", DML),
        ("SELECT 1; INSERT INTO t VALUES (1);", DML),
        ("EXPLAIN ANALYZE DELETE FROM t", DML),
        ("EXPLAIN (ANALYZE, BUFFERS) INSERT INTO t VALUES (1)", DML),
        ("CREATE TABLE t (a int)", SCHEMA),
        ("CREATE TABLE t AS SELECT 1", SCHEMA),
        ("SELECT * INTO u FROM t", SCHEMA),
        ("ALTER TABLE t ADD COLUMN b int", SCHEMA),
        ("DROP TABLE t", SCHEMA),
        ("VACUUM", SCHEMA),
        ("REFRESH MATERIALIZED VIEW v", SCHEMA),
        ("EXPLAIN SELECT 1", SCHEMA),
        ("EXPLAIN ANALYZE SELECT 1", SCHEMA),
        ("EXPLAIN QUERY PLAN SELECT 1", SCHEMA),
        ("EXPLAIN DELETE FROM t", SCHEMA),
        ("SAVEPOINT sa_savepoint_1", TRANSACTION),
        ("RELEASE SAVEPOINT sa_savepoint_1", TRANSACTION),
        ("ROLLBACK TO SAVEPOINT sa_savepoint_1", TRANSACTION),
        ("BEGIN", TRANSACTION),
        ("COMMIT", TRANSACTION),
        ("SET LOCAL statement_timeout = 100", TRANSACTION),
        ("SHOW server_version", TRANSACTION),
        ("PRAGMA table_info('t')", TRANSACTION),
        ("PRAGMA foreign_keys=ON", TRANSACTION),
        ("select nextval('users_id_seq')", TRANSACTION),
        ("select nextval('\"Users_id_seq\"'::regclass)", TRANSACTION),
        ("SELECT LAST_INSERT_ID()", TRANSACTION),
        ("SELECT @@identity", TRANSACTION),
        ("select pg_catalog.version()", TRANSACTION),
        ("LOCK TABLE t", TRANSACTION),
        ("LISTEN c", TRANSACTION),
        ("FETCH FORWARD 10 FROM c", TRANSACTION),
        ("", TRANSACTION),
        ("-- nothing", TRANSACTION),
    ],
)
def test_kind(sql: str, kind: Kind) -> None:
    assert shape(sql).kind is kind


SAME = [
    ["SELECT * FROM t WHERE a = 1", "select  *\nfrom t where a=2", "SELECT * FROM t WHERE a = -3 ;",
     "SELECT * FROM t WHERE a = 'x'"],
    ["SELECT * FROM t WHERE a = ?", "SELECT * FROM t WHERE a = %s", "SELECT * FROM t WHERE a = %(a_1)s::INTEGER",
     "SELECT * FROM t WHERE a = :a", "SELECT * FROM t WHERE a = $1::VARCHAR(20)",
     "SELECT * FROM t WHERE a = 7 -- seven"],
    ["SELECT a FROM t WHERE a IN (1)", "SELECT a FROM t WHERE a IN (1, 2,3)", "SELECT a FROM t WHERE a IN (?,?)",
     "SELECT a FROM t WHERE a IN (__[POSTCOMPILE_a_1])",
     "SELECT a FROM t WHERE a IN ( %(a_1_1)s::INTEGER, %(a_1_2)s::INTEGER )"],
    ["SELECT a FROM t WHERE (a, b) IN ((1, 2))", "SELECT a FROM t WHERE (a, b) IN ((1, 2), (3, 4), (5, 6))"],
    ["INSERT INTO t (a, b) VALUES (1, 'x')", "INSERT INTO t (a, b) VALUES (?, ?), (?, ?)",
     "INSERT INTO t (a,b) VALUES (%(a__0)s, %(b__0)s), (%(a__1)s, %(b__1)s), (%(a__2)s, %(b__2)s)"],
    ["INSERT INTO t (a, b, c) VALUES (1, 2, 3)", "INSERT INTO t (a, b, c) VALUES (?, ?, ?), (?, ?, ?)"],
    ["INSERT INTO t (a) VALUES (1)", "INSERT INTO t (a) VALUES (1), (2), (3)"],
    ["INSERT INTO t (a, b) VALUES (1, NULL)", "INSERT INTO t (a, b) VALUES (1, NULL), (2, NULL)"],
    ["SELECT $$it's$$", "SELECT $tag$a $$ b$tag$", "SELECT 'it''s'", "SELECT E'it\\'s'",
     "SELECT 0x1F", "SELECT 1.5e-3", "SELECT .5"],
    ["SELECT 1 /* route='/a' */", "SELECT 1 /* route='/b' */", "/*traceparent=1*/ SELECT 1"],
]  # fmt: skip
DIFFERENT = [
    "SELECT a FROM t",
    "SELECT a FROM u",
    "SELECT b FROM t",
    'SELECT "A" FROM t',
    'SELECT "a" FROM t',
    "SELECT a FROM t LIMIT 1",
    "SELECT a FROM t WHERE b = 1",
    "SELECT a FROM t WHERE b != 1",
    "SELECT a FROM t WHERE b IS NULL",
    "SELECT a FROM t WHERE b IN (1)",
    "SELECT a FROM t WHERE b NOT IN (1)",
    "SELECT a FROM t WHERE b BETWEEN 1 AND 2",
    "SELECT a FROM t1",
    "SELECT a FROM t2",
    "INSERT INTO t (a) VALUES (1)",
    "INSERT INTO t (a) VALUES (now())",
    "UPDATE t SET a = 1",
]


@pytest.mark.parametrize("texts", SAME)
def test_one_statement_in_many_words_has_one_fingerprint(texts: list[str]) -> None:
    assert len({shape(text).fingerprint for text in texts}) == 1, [shape(text) for text in texts]


def test_different_statements_have_different_fingerprints() -> None:
    assert len({shape(text).fingerprint for text in DIFFERENT}) == len(DIFFERENT)


def test_fingerprint_is_stable_across_processes() -> None:
    code = "from seatrial.observe.sql import shape; print(shape('SELECT a FROM t WHERE b = 1').fingerprint)"
    environment = {"PYTHONHASHSEED": "1", "PYTHONPATH": ":".join(sys.path)}
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    # written down, because budgets and baselines of users hold these
    assert other.stdout.strip() == shape("SELECT a FROM t WHERE b = 1").fingerprint == "4b124bda1d9a"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM users WHERE name = 'hush'",
        "SELECT * FROM users WHERE name = 'ha''hush' -- hush\n",
        "SELECT * FROM users WHERE name = E'\\'hush'",
        "SELECT * FROM users WHERE name = $x$hush$x$ /* hush */",
        "SELECT * FROM users WHERE name = N'hush' AND b = X'hush'",
        "SELECT * FROM users WHERE name = 'unfinished hush",
        "SELECT * FROM users WHERE name = U&'hush'",
    ],
)
def test_no_literal_is_shown(sql: str) -> None:
    assert "hush" not in shape(sql).sql
    assert shape(sql).sql.startswith("SELECT * FROM users WHERE name = ?")


def test_mysql_strings() -> None:
    text = r"""SELECT * FROM t WHERE a = 'it\'s hush' AND b = "hush" AND `c` = 1"""
    assert shape(text, backslashes=True).sql == "SELECT * FROM t WHERE a = ? AND b = ? AND `c` = ?"


def test_what_is_shown_keeps_placeholders_and_identifiers() -> None:
    assert shape('SELECT "Na me", x1 \nFROM t2  WHERE a = %(a)s AND b = ?  LIMIT 10;').sql == (
        'SELECT "Na me", x1 FROM t2 WHERE a = %(a)s AND b = ? LIMIT ?'
    )


def test_casts_and_slices_are_no_placeholders() -> None:
    assert "::text" in shape("SELECT a::text FROM t").sql


def test_long_and_hostile_text_is_quick() -> None:
    texts = [
        "SELECT " + ", ".join(map(str, range(100_000))),
        "SELECT " + "(" * 20_000,
        "'" * 99_999,
        "/*" * 50_000,
        "IN (" * 9_999,
        "$a$" * 9_999,
    ]
    started = time.process_time()
    for text in texts:
        assert len(shape(text).sql) <= LONGEST_SQL + 1
    assert time.process_time() - started < 5


def test_undecodable_text_has_a_fingerprint() -> None:
    assert len(shape("SELECT \udcff").fingerprint) == 12
