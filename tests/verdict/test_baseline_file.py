"""The file: what it looks like, that it survives anything in a field, and every way in which it can be damaged."""

import errno
import os
import stat
from pathlib import Path

import pytest
from verdict.builders import known, lint, route

from seatrial.model.errors import ConfigurationError
from seatrial.verdict import files
from seatrial.verdict.baseline import Baseline, Entry, Finished, load, save
from seatrial.verdict.table import escape, unescape


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".seatrial" / "baseline.tsv"


def entry(**changes):
    fields = {
        "tool": "ruff",
        "rule": "ruff:S307",
        "path": "app/views.py",
        "subject": "app/views.py",
        "count": 2,
        "fingerprint": "0123456789abcdef",
        "reason": "legacy",
        "excerpt": "eval(x)",
    }
    return Entry(**{**fields, **changes})


def test_what_it_looks_like(path):
    save(path, known([lint(1), lint(2), lint(3, "a\tb", path="app/a.py")]), tools={"ruff": "0.17.6"})
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# seatrial baseline: ")
    assert lines[1] == "# fingerprint_version: 1"
    assert [line[2:].partition(":")[0] for line in lines[2:5]] == ["seatrial", "python", "ruff"]
    assert lines[5] == "# tool rule path subject count fingerprint reason excerpt"
    first, second = (line.split("\t") for line in lines[6:])
    assert first[:5] == ["ruff", "ruff:S307", "app/a.py", "app/a.py", "1"]
    assert second[:5] == ["ruff", "ruff:S307", "app/views.py", "app/views.py", "2"]
    assert second[6:] == ["legacy", "eval(user_input)"]


def test_a_missing_file_is_an_empty_baseline(path):
    assert Baseline() == load(path)
    assert not save(path, Baseline())
    assert not path.exists()


def test_init_writes_an_empty_one(path):
    assert save(path, Baseline(), create=True)
    assert load(path).entries == {}
    assert not save(path, Baseline(), create=True)


NASTY = [
    "a\tb",
    "a\nb\r\n",
    "\\t \\ \\\\n",
    "-",
    "\\-",
    "",
    " ",
    "# x",
    "=====",
    "caf\udce9",
    "\ud800",
    "\x1b[31m\x85\u2028",
    "ü→",
]


@pytest.mark.parametrize("text", NASTY)
def test_a_field_survives(text):
    written = escape(text)
    assert text == unescape(written)
    assert not set(written) & set("\t\n\r\x85\u2028")
    written.encode()


@pytest.mark.parametrize("text", [text for text in NASTY if text])
def test_an_entry_survives(path, text):
    written = Baseline.of([entry(subject=text, path=text, excerpt=text, reason=f"r{text}")])
    save(path, written)
    assert written.entries == load(path).entries


def test_unchanged_is_not_written_whatever_the_versions(path):
    baseline = known([lint(1)])
    assert save(path, baseline, tools={"ruff": "1"})
    before = path.stat().st_ino, path.read_bytes()
    assert not save(path, load(path), tools={"ruff": "2"})
    assert before == (path.stat().st_ino, path.read_bytes())


def test_versions_of_tools_are_kept_and_renewed(path):
    save(path, known([lint(1)]), tools={"ruff": "1", "mypy": "1"})
    more = Baseline(known([lint(1), lint(2)]).entries, load(path).versions)
    save(path, more, tools={"ruff": "2"})
    assert {"ruff": "2", "mypy": "1"}.items() <= load(path).versions.items()


def test_lines_of_windows_and_a_byte_order_mark_are_read(path):
    save(path, known([lint(1)]))
    expected = load(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert expected == load(path)
    assert not save(path, expected)


HEAD = "# fingerprint_version: 1\n"
GOOD = "ruff\tR\tp\ts\t1\t0123456789abcdef\twhy\tx\n"


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("", "no header line", 1),
        (GOOD, "no header line", 1),
        ("# fingerprint_version: 1\nruff R p\n", "1 columns instead of 8", 2),
        (HEAD + GOOD + "ruff\tR\n", "2 columns", 3),
        (HEAD + GOOD.replace("\t1\t", "\t0\t"), "count `0`", 2),
        (HEAD + GOOD.replace("\t1\t", "\t-1\t"), "count `-1`", 2),
        (HEAD + GOOD.replace("\t1\t", "\t1_0\t"), "count `1_0`", 2),
        (HEAD + GOOD.replace("\t1\t", "\t9999999999\t"), "count `9999999999`", 2),
        (HEAD + GOOD.replace("0123456789abcdef", "0123"), "not a fingerprint", 2),
        (HEAD + GOOD.replace("why", "-"), "without a reason", 2),
        (HEAD + GOOD.replace("\ts\t", "\t-\t"), "must not be empty", 2),
        (HEAD + GOOD + "\n" + GOOD, "same finding as line 2", 4),
        (HEAD + "<<<<<<< ours\n" + GOOD + "=======\n" + GOOD + ">>>>>>> theirs\n", "conflict marker", 2),
    ],
)
def test_damage_names_file_line_and_the_way_out(path, text, says, line):
    path.parent.mkdir()
    path.write_text(text)
    for action in (lambda: load(path), lambda: save(path, known([lint(1)]))):
        with pytest.raises(ConfigurationError) as error:
            action()
        message = str(error.value)
        assert f"{path}, line {line}: " in message
        assert says in message
        assert any(way in message for way in ("git checkout", "Keep the lines", "Write the reason", "Delete the line"))
    assert text == path.read_text()


def test_bytes_that_are_no_text(path):
    path.parent.mkdir()
    path.write_bytes(HEAD.encode() + b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="line 2: not UTF-8"):
        load(path)


def test_a_folder_in_its_place(path):
    path.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(path)


class TestWriting:
    def test_keeps_the_mode_and_a_new_file_follows_the_umask(self, path):
        save(path, known([lint(1)]))
        mask = os.umask(0)
        os.umask(mask)
        assert 0o666 & ~mask == stat.S_IMODE(path.stat().st_mode)
        path.chmod(0o640)
        save(path, known([lint(1), lint(2)]))
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    def test_a_link_stays_a_link(self, path, tmp_path):
        real = tmp_path / "shared.tsv"
        path.parent.mkdir()
        path.symlink_to(real)
        save(path, known([lint(1)]))
        assert path.is_symlink()
        assert load(real).total == 1

    @pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
    def test_a_read_only_checkout_is_one_sentence(self, path, monkeypatch, code):
        def refuse(*arguments, **options):
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(files.os, "open", refuse)
        with pytest.raises(ConfigurationError, match="the checkout is read-only") as error:
            save(path, known([lint(1)]))
        assert "seatrial baseline prune" in str(error.value)
        assert "\n" not in str(error.value)

    def test_a_failure_half_way_leaves_the_old_file_and_nothing_else(self, path, monkeypatch):
        save(path, known([lint(1)]))
        before = path.read_bytes()

        def full(descriptor):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(files.os, "fsync", full)
        with pytest.raises(ConfigurationError, match="No space left"):
            save(path, known([lint(1), lint(2)]))
        assert before == path.read_bytes()
        assert [path] == list(path.parent.iterdir())

    def test_the_data_is_on_disk_before_the_name_changes(self, path, monkeypatch):
        calls = []
        sync, swap = os.fsync, os.replace
        monkeypatch.setattr(files.os, "fsync", lambda number: (calls.append("fsync"), sync(number)))
        monkeypatch.setattr(files.os, "replace", lambda *names: (calls.append("replace"), swap(*names)))
        save(path, known([lint(1)]))
        assert calls[:2] == ["fsync", "replace"]

    def test_a_pipe_is_written_and_not_replaced(self):
        reading, writing = os.pipe()
        files.write_atomic(Path(f"/dev/fd/{writing}"), "hello", way_out="")
        os.close(writing)
        assert os.read(reading, 99) == b"hello"
        os.close(reading)


def test_the_excerpt_is_for_the_reader_only(path):
    subject = route().subject
    finished = Finished.of([])
    baseline = known([route()], finished)
    save(path, baseline)
    path.write_text(path.read_text().replace("no CSP", "anything else"))
    assert [subject] == [one.subject for one in load(path).sorted()]
    assert set(baseline.entries) == set(load(path).entries)
