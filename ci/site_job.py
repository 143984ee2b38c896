"""The documentation site: build/site, from the pages of the repository as they are.

python ci/site_job.py    gather the pages, build them strictly, look at every link of what came out

Nothing is fetched, while it is built and when it is read. Exit code 1 where a link, an anchor or the menu is wrong.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import docs_job
import tomlkit

from seatrial import rules

ROOT = docs_job.ROOT
CONFIG = ROOT / "docs" / "site.toml"
BUILD = ROOT / "build"
PAGES, SITE = BUILD / "pages", BUILD / "site"

LOADING = {"src", "srcset", "poster", "data"}
"""Attributes whose address is fetched by itself; `href` is, on `link`."""

_LINK_OR_CODE = re.compile(
    r"^(?P<indent> *)(?P<fence>```+)[^\n]*\n.*?^(?P=indent)(?P=fence)$|`[^`\n]*`"
    r"|\[(?P<text>(?:`[^`\n]*`|[^\[\]`])*)\]\((?P<target>[^)\s]+)\)",
    re.DOTALL | re.MULTILINE,
)


# ---------------------------------------------------------------------- pages
def gather(root: Path, first: Iterable[Path]) -> dict[Path, str | None]:
    """What belongs to the site, by its path in the repository: the text of pages, None for other files. That is the
    first pages and whatever they link to, and so on: the folders stay as they are, and with them every link."""
    found: dict[Path, str | None] = {}
    waiting = sorted(first)
    while waiting:
        path = waiting.pop()
        name = path.relative_to(root)
        if name in found:
            continue
        if path.suffix != ".md":
            found[name] = None
            continue
        text = found[name] = _without_folders(path)
        for target in docs_job.targets(text):
            linked = (path.parent / target.partition("#")[0]).resolve()
            if not _elsewhere(target) and linked.is_file() and linked.is_relative_to(root):
                waiting.append(linked)
    return found


def _without_folders(page: Path) -> str:
    """A page whose links lead to files. A forge shows a folder, a site does not: its README takes its place, or, where
    it has none, the words alone."""

    def mend(link: re.Match[str]) -> str:
        target = link["target"]
        if target is None or _elsewhere(target) or not (page.parent / target).is_dir():
            return link[0]
        readme = f"{target.rstrip('/')}/README.md"
        return f"[{link['text']}]({readme})" if (page.parent / readme).is_file() else link["text"]

    return _LINK_OR_CODE.sub(mend, page.read_text(encoding="utf-8"))


def _elsewhere(target: str) -> bool:
    return target.startswith("#") or re.match(r"[a-z][a-z0-9+.-]*:", target) is not None


# ---------------------------------------------------------------------- the menu
def menu(entries: Sequence[Any], pages: set[str]) -> tuple[list[Any], list[str]]:
    """The menu with the rules by family; and what is wrong with it."""
    problems: list[str] = []

    def of(entry: Any) -> list[Any]:
        if isinstance(entry, str):
            if entry in pages:
                return [entry]
            problems.append(f"{CONFIG.name}: the menu names {entry}, which is not there")
            return []
        [(title, inside)] = entry.items()
        if isinstance(inside, str):
            return [{title: inside}] if of(inside) else []
        return [{title: [one for part in inside for one in of(part)] + (families() if title == "Rules" else [])}]

    built = [one for entry in entries for one in of(entry)]
    missing = sorted(pages - set(_named(built)))
    return built, problems + [f"{CONFIG.name}: {page} is in no menu; add it to nav" for page in missing]


def families() -> list[Any]:
    grouped: dict[str, list[Any]] = {}
    for rule in sorted(rules.registered(), key=lambda rule: rule.code):
        grouped.setdefault(rule.family, []).append({f"{rule.code} {rule.name}": f"docs/rules/{rule.code}.md"})
    return [{family: pages} for family, pages in grouped.items()]


def _named(entries: Any) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            [inside] = entry.values()
            yield from [inside] if isinstance(inside, str) else _named(inside)


# ---------------------------------------------------------------------- what came out
class _Links(HTMLParser):
    """Addresses and anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.leading: list[str] = []
        self.loading: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if value is None:
                continue
            if name == "id" or (tag, name) == ("a", "name"):
                self.anchors.add(value)
            elif name in LOADING or (tag, name) == ("link", "href"):
                self.loading.append(value)
            elif name == "href":
                self.leading.append(value)


def broken(site: Path) -> list[str]:
    """Links and anchors of the built pages that lead nowhere, and whatever they would fetch from elsewhere."""
    pages: dict[Path, _Links] = {}
    for path in sorted(site.rglob("*.html")):
        pages[path] = _Links()
        pages[path].feed(path.read_text(encoding="utf-8"))
    problems = []
    for path, links in pages.items():
        name = path.relative_to(site)
        problems += [
            f"{name}: {address} would be fetched from elsewhere"
            for address in links.loading
            if re.match(r"(?!data:)([a-z][a-z0-9+.-]*:)?//", address)
        ]
        for address in (*links.leading, *links.loading):
            file, _, anchor = unquote(address).partition("#")
            if _elsewhere(file) or address.startswith("//"):
                continue
            target = path if not file else (path.parent / file.partition("?")[0]).resolve()
            if file.startswith("/"):  # the page of errors does not know where it is shown
                target = site / file.lstrip("/")
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                problems.append(f"{name}: {address} leads nowhere")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                problems.append(f"{name}: {address} has no such anchor")
    for sheet in sorted(site.rglob("*.css")):
        fetched = re.findall(r"(?:url\(|@import\s*)[\"']?((?:https?:)?//[^)\"';]+)", sheet.read_text(encoding="utf-8"))
        problems += [f"{sheet.relative_to(site)}: {address} would be fetched from elsewhere" for address in fetched]
    return sorted(set(problems))


# ----------------------------------------------------------------------
def build() -> list[str]:
    first = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    first += [*ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/stockroom/*.md")]
    gathered = gather(ROOT, first)
    for folder in (PAGES, SITE, BUILD / ".cache"):
        shutil.rmtree(folder, ignore_errors=True)
    for name, text in gathered.items():
        (PAGES / name).parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            shutil.copyfile(ROOT / name, PAGES / name)
        else:
            (PAGES / name).write_text(text, encoding="utf-8")
    config = tomlkit.parse(CONFIG.read_text(encoding="utf-8")).unwrap()
    pages = {name.as_posix() for name, text in gathered.items() if text is not None}
    config["project"]["nav"], problems = menu(config["project"]["nav"], pages)
    (BUILD / "site.toml").write_text(tomlkit.dumps(config), encoding="utf-8")
    zensical = Path(sys.executable).parent / "zensical"
    if not zensical.exists():
        raise SystemExit("site job: zensical is not installed: pip install --group site")
    done = subprocess.run(
        [zensical, "build", "--strict", "--clean", "-f", BUILD / "site.toml"],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr).partition("Traceback")[0]
        return [*problems, f"zensical: {said.strip()}"]
    return problems + broken(SITE)


def main() -> int:
    problems = build()
    for problem in problems:
        print(problem)
    there = len(list(SITE.rglob("*.html")))
    print(f"site job: {len(problems)} problems" if problems else f"site job: {SITE.relative_to(ROOT)}, {there} pages")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
