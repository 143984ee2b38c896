"""The few shapes that the terminal report is drawn with: sections, hanging lines, left and right, tables."""

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from seatrial.reports.pen import WIDEST, Glyphs, Pen

_CONTINUED = " \\"
_WORD = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""")


class Sheet:
    """Prints shapes on one console. Takes text that went through `say` already, or constants of our own."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pen = Pen.of(console)
        self.width = max(min(console.width, WIDEST), 20)

    @property
    def glyphs(self) -> Glyphs:
        return self._pen.glyphs

    def say(self, text: str) -> str:
        """Somebody else's text as this console may show it."""
        return self._pen.say(text)

    def fitting(self, text: str) -> str:
        """Our own text in the console's encoding."""
        return self._pen.fitting(text)

    def blank(self) -> None:
        self._console.print()

    def section(self, title: str, *, count: int | None = None, style: str, explained: str = "") -> None:
        """A blank line, then a title with a line to the right edge."""
        self.blank()
        head = Text(title, style=f"bold {style}")
        if count is not None:
            head.append(f" {count:,}", style="not bold")
        if explained:
            head.append(f"  {self.fitting(explained)}", style="not bold dim")
        rule = self.width - cell_len(head.plain) - 1
        self.text(head.append(f" {self.glyphs.line * rule}", style="not bold dim") if rule > 2 else head)

    def ruler(self) -> None:
        self.blank()
        self.text(Text(self.glyphs.line * self.width, style="dim"))

    def text(self, text: Text, indent: int = 0, *, marker: Text | None = None) -> None:
        """Wrapped text; with a marker, further lines stand below the text and not below the marker."""
        hang = indent + (cell_len(marker.plain) + 1 if marker else 0)
        # Too narrow for the indent: better hard to read than cut off.
        lines = text.wrap(self._console, max(self.width - hang, 12), overflow="fold")
        for number, line in enumerate(lines):
            line.rstrip()
            lead = Text.assemble(" " * indent, marker, " ") if marker and number == 0 else Text(" " * hang)
            self._console.print(lead + line, soft_wrap=True)

    def sides(self, left: Text, right: Text, indent: int = 0, *, marker: Text | None = None) -> None:
        """Left and right on one line where both fit, else the right one below."""
        hang = indent + (cell_len(marker.plain) + 1 if marker else 0)
        room = self.width - hang - cell_len(left.plain) - cell_len(right.plain)
        if right and room >= 2:
            self.text(Text.assemble(left, " " * room, right), indent, marker=marker)
            return
        self.text(left, indent, marker=marker)
        if right:
            self.text(right, max(hang, 2))

    def command(self, command: str, indent: int, *, style: str = "dim") -> None:
        """A command to paste. Lines break between its words alone, with the backslash that tells the shell so.

        A word longer than a line stays whole: the terminal folds it, and what is copied is one word again.
        """
        line, lead = "", indent
        for part in _command_parts(self.say(command)):
            longer = f"{line} {part}".lstrip()
            if line and lead + cell_len(longer) + len(_CONTINUED) > self.width:
                self._console.print(Text(" " * lead + line + _CONTINUED, style=style), soft_wrap=True)
                lead, longer = indent + 2, part
            line = longer
        self._console.print(Text(" " * lead + line, style=style), soft_wrap=True)

    def parts(self, parts: Sequence[Text], indent: int) -> None:
        """Parts one after the other with a dot between them; lines break only between parts."""
        line = Text()
        dot = Text(f" {self.glyphs.dot} ", style="dim")
        for part in parts:
            joined = Text.assemble(line, dot, part) if line else part
            if line and cell_len(joined.plain) > self.width:
                self.text(line)
                joined = Text.assemble(" " * indent, part)
            line = joined
        self.text(line)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
        """Columns named with `>` are aligned to the right; the last one takes what is left and folds."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
        for number, name in enumerate(header, start=1):
            right = name.startswith(">")
            table.add_column(
                name.removeprefix(">"),
                justify="right" if right else "left",
                no_wrap=number < len(header),
                overflow="fold",
            )
        for row in rows:
            table.add_row(*row)
        self._console.print(Padding(table, (0, 0, 0, 2), expand=False), width=self.width)


def _command_parts(command: str) -> Iterator[str]:
    """What must not be torn apart: a word with what its quotes hold, an option with its value."""
    words = _WORD.findall(command)
    if " ".join(words) != command:  # a quote that nobody closed
        words = command.split(" ")
    while words:
        word = words.pop(0)
        valued = word.startswith("--") and words and not words[0].startswith("-")
        yield f"{word} {words.pop(0)}" if valued else word
