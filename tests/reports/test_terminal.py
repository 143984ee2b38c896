"""Key sentences of the report on consoles of every kind."""

import io
import re

import pytest
from reports.samples import ALL, ITEMS, broken, clean, decided, everything, inconclusive, stale, unproved
from verdict.builders import check, lint, route

from seatrial.model.findings import Place
from seatrial.model.outcomes import ExitCode, Level, Outcome, State
from seatrial.model.result import Judged, Result
from seatrial.reports.pen import Pen, make_console
from seatrial.reports.terminal import render

CLAIMS = {"SQL001": "No statement of a route runs once per row."}


class Tty(io.StringIO):
    def isatty(self):
        return True


def shown(result, *, columns="100", stream=None, environ=None, **options):
    stream = stream or io.StringIO()
    render(result, make_console(stream, environ={"COLUMNS": columns, **(environ or {})}), claims=CLAIMS, **options)
    return "" if isinstance(stream, io.TextIOWrapper) else stream.getvalue()


def lines(text):
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_everything_in_its_order():
    text = shown(everything())
    marks = [
        "seatrial 0.1.0  stockroom:create_app",
        "profiles protection, sweep",
        "note 3 routes were left out",
        "Blocking 3",
        "HDR001",
        "SQL001",
        "Warnings 1",
        "ruff:S307",
        "Info 1",
        "HDR100",
        "Known debt 1",
        "Not proved 2",
        "Skipped 1",
        "Tools",
        "Routes",
        "9 checks · 1 passed · 5 failed · 2 not proved · 1 skipped · 1 min 14 s",
        " BLOCKED  exit 1  3 new findings of 2 rules block",
        "seatrial explain HDR001",
        'seatrial baseline accept --rule HDR001 --reason "…"',
    ]
    position = -1
    for mark in marks:
        found = text.find(mark, position + 1)
        assert found > position, mark
        position = found


def test_a_group_says_what_where_why_and_how():
    found = lines(shown(everything()))
    start = next(number for number, line in enumerate(found) if line.startswith("SQL001 csp-missing block"))
    assert found[start : start + 5] == [
        "SQL001 csp-missing block · 1 new",
        "No statement of a route runs once per row.",
        f"✗ {ITEMS} app/templates/list.html:31 14dfe770",
        "one SELECT per item",
        "→ Use selectinload(). seatrial explain SQL001",
    ]


def test_one_sentence_for_many_findings():
    found = lines(shown(everything()))
    start = found.index("HDR001 csp-missing block · 2 new, 1 known")
    assert found[start + 1] == "✗ no CSP"
    assert found[start + 2] == f"· {ITEMS} 18ee959a"
    assert "old debt" not in "".join(found)


def test_a_tool_is_not_explained_by_us_and_its_file_is_named_once():
    text = shown(everything())
    assert "seatrial explain ruff" not in text
    assert text.count("app/views.py") == 1
    assert "app/views.py:7" in text


def test_not_proved_stands_apart_from_pass():
    found = lines(shown(everything()))
    assert "2 the growth did not reach it SQL005" in found
    assert "1 skip list: /logout CSR001" in found


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (clean, [" PASS  exit 0  nothing new that blocks"]),
        (lambda: unproved(strict=False), [" PASS  exit 0", "1 known finding in the baseline", "--strict-proof"]),
        (lambda: unproved(strict=True), [" NOT PROVED  exit 5", "2 checks proved nothing"]),
        (stale, [" STALE  exit 4", "seatrial baseline prune"]),
        (inconclusive, [" INCONCLUSIVE  exit 5", "the canary was banned"]),
        (
            broken,
            [
                " BROKEN  exit 3",
                "mypy and 1 check could not finish",
                "3 new findings of 2 rules block",
                "mypy did not finish: exit 2: invalid syntax",
                "the host ended with signal 11",
                'mypy = "off"',
            ],
        ),
        (ALL["empty"], [" INCONCLUSIVE  exit 5", "nothing was checked"]),
    ],
)
def test_the_verdict_and_what_to_do_next(result, says):
    text = " ".join(shown(result(), columns="110").split())
    for sentence in says:
        assert " ".join(sentence.split()) in text


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_has_words(code):
    result = everything()
    result.exit_code = code
    assert f"exit {int(code)}" in shown(result)


def test_many_rules_are_taken_in_together():
    result = Result(findings=[Judged(route(rule=f"HDR00{n}"), State.NEW) for n in range(4)])
    assert "seatrial baseline accept --all --reason" in shown(decided(result))


def test_pruning_asks_for_a_commit():
    result = clean()
    result.pruned = 3
    text = shown(result)
    assert "3 paid and pruned" in text
    assert "git add .seatrial" in text


class TestCauses:
    def test_a_line_that_every_page_runs_is_shown_once_and_first(self):
        layout = Place("app/models.py", 325, "Role.query.get(id)")
        found = [
            *(
                Judged(route(f"GET /a{n} e [o]", rule="SQL001", message=f"sent {n} per row"), State.NEW)
                for n in range(2)
            ),
            *(
                Judged(
                    route(f"GET /p{n:02} e [o]", rule="SQL001", message=f"sent {n} per role", place=layout), State.NEW
                )
                for n in range(20)
            ),
        ]
        text = shown(decided(Result(findings=found)))
        assert text.count("app/models.py:325") == 1
        assert text.count("· GET /p") == 4
        assert "and 16 more of the same" in text
        assert text.index("app/models.py:325") < text.index("GET /a0")
        assert "more with --json" not in text

    def test_the_same_sentence_is_one_cause_too(self):
        found = [Judged(route(f"GET /p{n} e [o]", message="none was sent"), State.NEW) for n in range(9)]
        text = shown(decided(Result(findings=found)))
        assert text.count("none was sent") == 1
        assert "and 5 more of the same" in text


class TestCaps:
    def many(self, rules, each, level=Level.BLOCK):
        found = [
            Judged(route(f"GET /r{n} e [o]", rule=f"R{rule:02}", message=f"message {n}", level=level), State.NEW)
            for rule in range(rules)
            for n in range(each)
        ]
        return decided(Result(findings=found))

    def test_ten_of_a_rule(self):
        text = shown(self.many(1, 25))
        assert text.count("GET /r") == 10
        assert "and 15 more with --json FILE" in text

    def test_two_hundred_in_all_and_no_rule_is_lost(self):
        text = shown(self.many(50, 25))
        assert text.count("GET /r") == 200
        assert all(f"R{rule:02} " in text for rule in range(50))
        assert "and 25 more with --json FILE" in text

    def test_what_blocks_is_cut_last(self):
        result = self.many(40, 25, Level.WARN)
        result.findings += self.many(1, 5).findings
        text = shown(result, in_all=5)
        assert text.count("GET /r") == 5
        assert text.index("✗ GET /r0") < text.index("Warnings")

    def test_info_is_short(self):
        assert shown(self.many(1, 25, Level.INFO)).count("GET /r") == 3

    def test_the_file_is_named_when_there_is_one(self):
        assert "and 15 more in out.json" in shown(self.many(1, 25), whole="out.json")

    def test_of_ten_thousand_findings_no_more_is_drawn_than_of_two_hundred(self):
        few, many = self.many(20, 10), self.many(20, 500)
        # But for a line in each of the twenty rules that says how many more there are.
        assert len(shown(many).splitlines()) == len(shown(few).splitlines()) + 20


class TestConsoles:
    @pytest.mark.parametrize("name", ALL)
    @pytest.mark.parametrize("columns", [20, 40, 60, 80, 100])
    def test_nothing_is_wider_than_the_console(self, name, columns):
        text = shown(ALL[name](), columns=str(columns))
        widest = max(len(line) for line in text.splitlines())
        assert widest <= columns or columns < 60

    def test_wide_consoles_are_not_filled(self):
        assert max(len(line) for line in shown(everything(), columns="250").splitlines()) == 110

    def test_a_log_has_a_hundred_columns(self):
        stream = io.StringIO()
        render(everything(), make_console(stream, environ={}))
        assert max(len(line) for line in stream.getvalue().splitlines()) == 100

    def test_colour_on_a_terminal_only(self):
        assert "\x1b[" in shown(everything(), stream=Tty(), environ={"TERM": "xterm-256color"})
        assert "\x1b" not in shown(everything())

    def test_no_color_is_respected(self):
        text = shown(everything(), stream=Tty(), environ={"TERM": "xterm-256color", "NO_COLOR": "1"})
        assert not re.search(r"\x1b\[[0-9;]*(3[1-7]|4[1-7]|9[0-7])m", text)

    def test_force_color_in_a_log(self):
        assert "\x1b[" in shown(everything(), environ={"FORCE_COLOR": "1", "TERM": "xterm"})

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
    @pytest.mark.parametrize("name", ALL)
    def test_other_encodings(self, name, encoding):
        result = ALL[name]()
        result.notes = ["ü → … 😀 \udce9"]
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
        shown(result, stream=stream)
        stream.flush()
        text = raw.getvalue().decode(encoding)
        assert "-> ... \\U0001f600" in text
        if name == "everything":
            assert f"x {ITEMS}" in text

    def test_the_targets_text_cannot_draw(self):
        evil = "a\x1b]0;title\x07\x1b[2Jb\r\nc\x9b31m\u202ed [bold red]x[/] :smile:"
        result = decided(
            Result(
                findings=[Judged(route(evil, rule="R\x1b[1m", message=evil, place=Place(evil, 1)), State.NEW)],
                checks=[check("R", evil, Outcome.NOT_PROVED, evil)],
                notes=[evil],
                target={"app": evil},
            )
        )
        text = shown(result, columns="110")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
        assert "[bold red]x[/] :smile:" in text

    def test_identities_in_brackets_are_no_markup(self):
        assert "[owner]" in shown(everything())


def test_a_mixed_rule_stands_at_its_worst_and_says_which_only_warn():
    result = Result(
        findings=[
            Judged(route("GET /a a [o]", message="leaks", level=Level.WARN), State.NEW),
            Judged(route("GET /b b [o]", message="missing"), State.NEW),
        ]
    )
    found = lines(shown(decided(result)))
    assert found.index("missing") < found.index("leaks (warn)")
    assert "Blocking 1" in shown(decided(result)), "as many as the verdict says"
    assert "2 new (1 of a lower level)" in shown(decided(result))
    assert not any(line.startswith("Warnings") for line in found)


def test_a_long_word_is_folded_and_not_cut():
    word = "x" * 150
    text = shown(decided(Result(findings=[Judged(lint(message=word), State.NEW)])), columns="60")
    assert word in "".join(text.split())


def test_the_pen_keeps_utf_8_and_fits_the_rest():
    assert Pen("utf-8").say("ü → “x”") == "ü → “x”"
    assert Pen("utf-8").say(" a \n\t b ") == "a b"
    assert Pen("ascii").say("ü → “x”") == '\\xfc -> "x"'
