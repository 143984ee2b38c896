"""The shapes as a table: what growth must show on the flawed route of each, and what is known of its sound twin.

The line that sends the statements carries a comment `HERE <shape>` in the source of the app, so that no line number
stands here.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

APP = Path(__file__).parent / "gazette"
TOKEN = {"X-Token": "token-of-ours"}
"""Of the member who is logged in as `member`."""


@dataclass(frozen=True)
class Shape:
    """One shape of N+1: `/flawed/<name>` and `/sound/<name>`."""

    name: str
    table: str
    """Its rows are what the statements follow."""
    target: str = ""
    """Where each of them leads to a row of its own, the other table that grows row by row with it."""
    relationship: str = ""
    """`Author.articles` where a relationship's loader sends them."""
    load: str = ""
    """Why the ORM sends them by itself: `lazy`, `deferred`, `expired`, `refresh`."""
    api: str = ""
    """The function of SQLAlchemy's that the app calls, where it asks itself."""
    argument: str = ""
    """What stands in the URL behind the name."""
    identity: str = "anonymous"
    cold_only: bool = False
    """A cache hides it until it is empty."""
    slope: float = 1.0
    """Statements per row; of the one that grows with the square, the least."""
    trap: bool = False
    """There is a sound route only, which must not be convicted."""

    def __str__(self) -> str:
        return self.name

    unseen: bool = False
    """Its statements follow something else than rows: growth acquits it."""

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("sound",) if self.trap else ("flawed", "sound")

    def key(self, kind: str) -> str:
        """As the inventory calls the route."""
        endpoint = f"{self.name.replace('-', '_')}{'_sound' if kind == 'sound' and not self.trap else ''}"
        return f"GET /{kind}/{self.name}{self.argument} {kind}.{endpoint}"

    def path(self, kind: str) -> str:
        """As a client asks for it."""
        return f"/{kind}/{self.name}{re.sub('<.*>', '1', self.argument)}"

    @property
    def places(self) -> tuple[str, ...]:
        """`path:line` of each line that carries the marker of this shape."""
        return _markers().get(self.name, ())


@cache
def _markers() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for path in sorted((*APP.rglob("*.py"), *APP.rglob("*.html"))):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for name in re.findall(r"HERE ([\w-]+)", line):
                found.setdefault(name, []).append(f"{path.relative_to(APP.parent).as_posix()}:{number}")
    return {name: tuple(places) for name, places in found.items()}


LAZY = "lazy"
SHAPES = (
    # relationships
    Shape("lazy-collection", "author", relationship="Author.articles", load=LAZY),
    Shape("legacy-query", "author", relationship="Author.articles", load=LAZY),
    Shape("many-to-one", "comment", target="article", relationship="Comment.article", load=LAZY),
    Shape("two-hops", "article", target="author", relationship="Article.author", load=LAZY),
    Shape("same-statement", "article", target="author", relationship="Article.author", load=LAZY),
    Shape("one-to-one", "author", relationship="Author.profile", load=LAZY),
    Shape("many-to-many", "article", relationship="Article.tags", load=LAZY),
    Shape("association-object", "order_line", target="product", relationship="OrderLine.product", load=LAZY),
    Shape("association-proxy", "purchase", target="product", relationship="Order.lines", load=LAZY),
    Shape("nested-two", "article", relationship="Article.comments", load=LAZY),
    Shape("nested-three", "comment", relationship="Comment.reactions", load=LAZY),
    Shape("tree-children", "node", relationship="Node.children", load=LAZY),
    # each row reads its parent, which is a row of the same table: one statement for two rows
    Shape("parent-chain", "node", relationship="Node.parent", load=LAZY, slope=0.5),
    Shape("dynamic", "channel", api="__iter__"),
    Shape("write-only", "board", api="scalars"),
    Shape("composite-key", "shelf", relationship="Shelf.boxes", load=LAZY),
    Shape("uuid-key", "device", relationship="Device.readings", load=LAZY),
    # inheritance
    Shape("joined-inheritance", "truck", target="vehicle", load="deferred"),
    Shape("single-table-inheritance", "staff", load="deferred"),
    # queries that the app writes
    Shape("get-loop", "article", api="get"),
    Shape("legacy-get-loop", "article", api="get"),
    Shape("count-loop", "article", api="count"),
    Shape("exists-loop", "article", api="scalar"),
    Shape("text-bound", "article", api="execute"),
    Shape("text-literals", "article", api="execute"),
    Shape("core-loop", "article", api="execute"),
    Shape("model-property", "article", api="scalar"),
    Shape("hybrid-property", "author", api="scalar"),
    Shape("permission", "article", api="scalars"),
    Shape("dashboard", "category", api="execute"),
    Shape("pairwise", "article", api="scalar", slope=10),
    # single columns
    Shape("deferred-column", "article", load="deferred"),
    Shape("expired", "article", load="expired"),
    Shape("refresh", "article", load="refresh"),
    # serialisers
    Shape("marshmallow", "article", relationship="Article.comments", load=LAZY),
    Shape("pydantic", "article", relationship="Article.comments", load=LAZY),
    Shape("to-dict", "article", relationship="Article.comments", load=LAZY),
    # templates
    Shape("template", "author", relationship="Author.articles", load=LAZY),
    Shape("macro", "comment", target="article", relationship="Comment.article", load=LAZY),
    Shape("include", "article", relationship="Article.comments", load=LAZY),
    Shape("template-block", "article", relationship="Article.tags", load=LAZY),
    Shape("jinja-filter", "article", api="scalar"),
    Shape("context-processor", "category", api="scalar"),
    # caches
    Shape("lru-cache", "author", relationship="Author.articles", load=LAZY, cold_only=True),
    Shape("flask-caching", "article", relationship="Article.comments", load=LAZY, cold_only=True),
    Shape("cached-lookup", "category", target="article", api="get", cold_only=True),
    # parts of a table
    Shape("full-page", "event", relationship="Event.notes", load=LAZY),
    Shape("detail", "article", relationship="Article.comments", load=LAZY, argument="/<int:author_id>"),
    Shape("tenant", "project", relationship="Project.tasks", load=LAZY, identity="member"),
    Shape("singleton", "article", relationship="Article.comments", load=LAZY),
    Shape("streamed", "article", relationship="Article.comments", load=LAZY),
    # outside of the view's own session
    Shape("second-bind", "product", api="scalar"),
    Shape("thread-pool", "article", api="scalar"),
    Shape("after-request", "article", relationship="Article.comments", load=LAZY),
    # a statement per value, not per row: copies of rows have the same values
    Shape("distinct-values", "article", unseen=True),
    Shape("list-in-a-column", "article", unseen=True),
    # sound, and suspicious
    Shape("five-aggregates", "article", trap=True),
    Shape("fixed-enum", "article", trap=True),
    Shape("fixed-list", "article", trap=True),
    Shape("eager-chunks", "event", trap=True),
    Shape("own-batches", "event", trap=True),
    Shape("retry", "article", trap=True),
    Shape("polling", "article", trap=True),
    Shape("identity-map", "comment", trap=True),
    Shape("batch-loader", "article", trap=True),
)
