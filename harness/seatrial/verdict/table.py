"""The text form that baseline and budgets share: a header of `# key: value` lines, then sorted lines of TSV."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.model.errors import ConfigurationError

_HEADER = re.compile(r"#\s*([a-z][\w.\-]*):\s*(.*)")
_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
# Whatever some program takes for the end of a line, and what UTF-8 cannot hold.
_SPECIAL = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SHORT = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|([\\tnr\-]))")
_LONG = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r", "-": "-"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of data: its number in the file, its fields unescaped."""

    number: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A file as read: header by key, rows in file order."""

    header: Mapping[str, str]
    rows: tuple[Row, ...]


def escape(field: str) -> str:
    """One field on one line. Empty is written `-`, so that editors which strip trailing blanks do no harm."""
    if field in ("", "-"):
        return "\\-" if field else "-"
    return _SPECIAL.sub(lambda match: _SHORT.get(match[0]) or f"\\u{ord(match[0]):04x}", field)


def unescape(field: str) -> str:
    if field == "-":
        return ""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _LONG[match[2]], field)


def positive(field: str) -> int | None:
    """A count without sign, blank or leading zero, or None. Nine digits: more is damage, not debt."""
    return int(field) if re.fullmatch(r"0|[1-9][0-9]{0,8}", field, re.ASCII) else None


def parse(path: Path, columns: Sequence[str], *, version_key: str, version: int, way_out: str) -> Table | None:
    """Read the file; None where there is none.

    Raises:
        ConfigurationError: Not readable, not UTF-8, no or an unknown version, a line with another number of columns or
            with conflict markers. Names file and line, and ends with the way out.
    """
    text = _read(path, way_out)
    if text is None:
        return None
    header: dict[str, str] = {}
    rows: list[Row] = []
    for number, line in _lines(text):
        if line.startswith("#"):
            if match := _HEADER.fullmatch(line):
                header[match[1]] = match[2].strip()
            continue
        if line.startswith(_CONFLICT):
            repair = "Keep the lines of both sides, delete the markers, and run again."
            raise damaged(path, number, "a git conflict marker", repair)
        _require_version(path, number, header, version_key, version, way_out)
        fields = tuple(unescape(field) for field in line.split("\t"))
        if len(fields) != len(columns):
            problem = f"{len(fields)} columns instead of {len(columns)} ({', '.join(columns)})"
            raise damaged(path, number, problem, way_out)
        rows.append(Row(number, fields))
    _require_version(path, 1, header, version_key, version, way_out)
    return Table(header, tuple(rows))


def render(title: str, header: Mapping[str, str], columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The whole file. The caller sorts the rows."""
    lines = [f"# {title}"]
    lines += [f"# {key}: {' '.join(value.split())}" for key, value in header.items()]
    lines.append("# " + " ".join(columns))
    lines += ["\t".join(escape(field) for field in row) for row in rows]
    return "\n".join(lines) + "\n"


def damaged(path: Path, number: int, problem: str, way_out: str) -> ConfigurationError:
    return ConfigurationError(f"{path}, line {number}: {problem}. {way_out}")


def _read(path: Path, way_out: str) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise damaged(path, number, "not UTF-8 text", way_out) from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}. {way_out}") from error


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines that are not blank; line ends of git's autocrlf are accepted."""
    for number, line in enumerate(text.split("\n"), start=1):
        # Not strip(): a data line may begin or end with a field of blanks.
        line = line.removesuffix("\r")
        if line.strip():
            yield number, line


def _require_version(path: Path, number: int, header: Mapping[str, str], key: str, version: int, way_out: str) -> None:
    found = header.get(key)
    if found is None:
        raise damaged(path, number, f"no header line `# {key}: {version}` above it", way_out)
    if found != str(version):
        raise ConfigurationError(
            f"{path}: {key} {found} is not known to this Seatrial, which writes {version}. "
            f"Install the Seatrial that wrote the file (see its header). {way_out}"
        )
