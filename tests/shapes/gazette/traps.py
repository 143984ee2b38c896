"""Pages that look like an N+1 and are none: what repeats does not grow with the rows."""

from enum import StrEnum

from flask import jsonify
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from gazette.models import Article, Author, Category, Comment, Event, Product, Tag, db
from gazette.views import sound

BATCH = 100


class Status(StrEnum):
    OPEN = "open"
    DRAFT = "draft"
    SENT = "sent"
    CLOSED = "closed"


def articles():
    return db.session.scalars(select(Article).order_by(Article.id)).all()


@sound.get("/five-aggregates")
def five_aggregates():
    totals = [db.session.scalar(select(func.count()).select_from(m)) for m in (Article, Author, Comment, Tag, Product)]
    return jsonify(totals, [article.title for article in articles()])


@sound.get("/fixed-enum")
def fixed_enum():
    """One statement per status: there are four of them, however many articles."""
    found = {}
    for status in Status:
        found[status] = [a.title for a in db.session.scalars(select(Article).where(Article.status == status))]
    return jsonify(found)


@sound.get("/fixed-list")
def fixed_list():
    tops = [db.session.scalar(select(func.max(Article.id)).where(Article.id > limit)) for limit in range(0, 120, 10)]
    return jsonify(tops, [article.title for article in articles()])


@sound.get("/eager-chunks")
def eager_chunks():
    """The eager loader asks for 500 parents at a time: one statement more when there are more than 500."""
    events = db.session.scalars(select(Event).options(selectinload(Event.notes)).order_by(Event.id))
    return jsonify([len(event.notes) for event in events])


@sound.get("/own-batches")
def own_batches():
    """IN lists of a hundred keys: one statement per hundred rows."""
    keys, found = db.session.scalars(select(Event.id).order_by(Event.id)).all(), []
    for start in range(0, len(keys), BATCH):
        found += db.session.scalars(select(Event.name).where(Event.id.in_(keys[start : start + BATCH]))).all()
    return jsonify(found)


@sound.get("/retry")
def retry():
    """The first two answers are thrown away, as after a conflict."""
    found = []
    for _ in range(3):
        db.session.rollback()
        found = [article.title for article in articles()]
    return jsonify(found)


@sound.get("/polling")
def polling():
    for _ in range(6):
        if db.session.scalar(select(func.count(Article.id))) > 1_000_000:
            break
    return jsonify([article.title for article in articles()])


@sound.get("/identity-map")
def identity_map():
    """Lazy loads that the identity map answers, because all articles were fetched before."""
    known = articles()
    comments = db.session.scalars(select(Comment).order_by(Comment.id))
    return jsonify(len(known), [comment.article.title for comment in comments])


class Loader:
    """Collects keys, then asks once."""

    def __init__(self):
        self.keys, self.names = [], {}

    def want(self, key):
        self.keys.append(key)
        return lambda: self.load()[key]

    def load(self):
        if not self.names:
            query = select(Category.id, Category.name).where(Category.id.in_(self.keys))
            self.names = dict(db.session.execute(query).tuples().all())
        return self.names


@sound.get("/batch-loader")
def batch_loader():
    loader = Loader()
    promised = [(article.title, loader.want(article.category_id)) for article in articles()]
    return jsonify([[title, name()] for title, name in promised])
