"""Queries that the app writes itself, one per row."""

from collections import defaultdict

from flask import jsonify
from sqlalchemy import exists, func, select, text

from gazette.models import Article, Author, Category, Comment, Permission, db
from gazette.views import flawed, sound


def articles():
    return db.session.scalars(select(Article).order_by(Article.id)).all()


def article_ids():
    return db.session.scalars(select(Article.id).order_by(Article.id)).all()


def comments_by_article(ids):
    """The counts of all articles in one statement."""
    query = select(Comment.article_id, func.count()).where(Comment.article_id.in_(ids)).group_by(Comment.article_id)
    return dict(db.session.execute(query).tuples().all())


@flawed.get("/get-loop")
def get_loop():
    return jsonify([db.session.get(Article, key).title for key in article_ids()])  # HERE get-loop


@sound.get("/get-loop")
def get_loop_sound():
    found = db.session.scalars(select(Article).where(Article.id.in_(article_ids())))
    return jsonify([article.title for article in found])


@flawed.get("/legacy-get-loop")
def legacy_get_loop():
    return jsonify([Article.query.get(key).title for key in article_ids()])  # HERE legacy-get-loop


@sound.get("/legacy-get-loop")
def legacy_get_loop_sound():
    return jsonify([a.title for a in Article.query.filter(Article.id.in_(article_ids())).all()])


@flawed.get("/count-loop")
def count_loop():
    found = []
    for article in articles():
        found.append(Comment.query.filter_by(article_id=article.id).count())  # HERE count-loop
    return jsonify(found)


@sound.get("/count-loop")
def count_loop_sound():
    ids = article_ids()
    totals = comments_by_article(ids)
    return jsonify([totals.get(key, 0) for key in ids])


@flawed.get("/exists-loop")
def exists_loop():
    found = []
    for key in article_ids():
        found.append(db.session.scalar(select(exists().where(Comment.article_id == key))))  # HERE exists-loop
    return jsonify(found)


@sound.get("/exists-loop")
def exists_loop_sound():
    query = select(Article.id, exists().where(Comment.article_id == Article.id)).order_by(Article.id)
    return jsonify([has for _, has in db.session.execute(query)])


@flawed.get("/text-bound")
def text_bound():
    query = text("SELECT count(*) FROM comment WHERE article_id = :key")
    found = []
    for key in article_ids():
        found.append(db.session.execute(query, {"key": key}).scalar_one())  # HERE text-bound
    return jsonify(found)


@sound.get("/text-bound")
def text_bound_sound():
    query = text("SELECT article_id, count(*) FROM comment GROUP BY article_id")
    return jsonify([total for _, total in db.session.execute(query)])


@flawed.get("/text-literals")
def text_literals():
    found = []
    for key in article_ids():
        query = text(f"SELECT text FROM comment WHERE article_id = {key} AND text <> 'article {key}'")
        found.append([row.text for row in db.session.execute(query)])  # HERE text-literals
    return jsonify(found)


@sound.get("/text-literals")
def text_literals_sound():
    keys = ", ".join(str(key) for key in article_ids())
    return jsonify(
        [row.text for row in db.session.execute(text(f"SELECT text FROM comment WHERE article_id IN ({keys})"))]
    )


@flawed.get("/core-loop")
def core_loop():
    article, comment = Article.__table__, Comment.__table__
    found = []
    with db.engine.connect() as connection:
        for key in connection.scalars(select(article.c.id)).all():
            rows = connection.execute(select(comment.c.text).where(comment.c.article_id == key))  # HERE core-loop
            found.append([row.text for row in rows])
    return jsonify(found)


@sound.get("/core-loop")
def core_loop_sound():
    article, comment = Article.__table__, Comment.__table__
    with db.engine.connect() as connection:
        rows = connection.execute(select(article.c.id, comment.c.text).join_from(article, comment)).all()
    return jsonify([row.text for row in rows])


@flawed.get("/model-property")
def model_property():
    return jsonify([article.comment_total for article in articles()])


@sound.get("/model-property")
def model_property_sound():
    totals = comments_by_article(article_ids())
    return jsonify([totals.get(article.id, 0) for article in articles()])


@flawed.get("/hybrid-property")
def hybrid_property():
    return jsonify([author.article_total for author in db.session.scalars(select(Author).order_by(Author.id)).all()])


@sound.get("/hybrid-property")
def hybrid_property_sound():
    rows = db.session.execute(select(Author.id, Author.article_total).order_by(Author.id))
    return jsonify([total for _, total in rows])


def may_read(article):
    query = select(Permission).where(Permission.article_id == article.id, Permission.action == "read")
    return db.session.scalars(query).first() is not None  # HERE permission


@flawed.get("/permission")
def permission():
    return jsonify([article.title for article in articles() if may_read(article)])


@sound.get("/permission")
def permission_sound():
    readable = set(db.session.scalars(select(Permission.article_id).where(Permission.action == "read")))
    return jsonify([article.title for article in articles() if article.id in readable])


@flawed.get("/dashboard")
def dashboard():
    found = {}
    for category in db.session.scalars(select(Category).order_by(Category.id)).all():
        newest = select(func.max(Article.id)).where(Article.category_id == category.id).scalar_subquery()
        query = select(func.count(Comment.id), newest).join(Article).where(Article.category_id == category.id)
        found[category.id] = list(db.session.execute(query).one())  # HERE dashboard
    return jsonify(found)


@sound.get("/dashboard")
def dashboard_sound():
    query = (
        select(Category.id, func.count(Comment.id), func.max(Article.id))
        .outerjoin(Article, Article.category_id == Category.id)
        .outerjoin(Comment, Comment.article_id == Article.id)
        .group_by(Category.id)
    )
    return jsonify({key: [comments, newest] for key, comments, newest in db.session.execute(query)})


@flawed.get("/pairwise")
def pairwise():
    """One statement per pair of rows: it grows with their square."""
    ids, found = article_ids(), []
    for first in ids:
        for second in ids:
            query = select(func.count()).where(Comment.article_id == first, Comment.id == second)
            found.append(db.session.scalar(query))  # HERE pairwise
    return jsonify(found)


@sound.get("/pairwise")
def pairwise_sound():
    ids, by_article = article_ids(), defaultdict(set)
    for article, comment in db.session.execute(select(Comment.article_id, Comment.id)):
        by_article[article].add(comment)
    return jsonify([second in by_article[first] for first in ids for second in ids])


@flawed.get("/distinct-values")
def distinct_values():
    """One statement per value of a column, however many rows have it."""
    found = {}
    for status in db.session.scalars(select(Article.status).distinct()).all():
        found[status] = db.session.scalars(select(Article.title).where(Article.status == status)).all()
    return jsonify(found)


@sound.get("/distinct-values")
def distinct_values_sound():
    found = defaultdict(list)
    for status, title in db.session.execute(select(Article.status, Article.title)):
        found[status].append(title)
    return jsonify(found)


@flawed.get("/list-in-a-column")
def list_in_a_column():
    """One statement per element of a list that one row holds."""
    first = articles()[0]
    return jsonify([db.session.scalar(select(Article.title).where(Article.id == key)) for key in first.related])


@sound.get("/list-in-a-column")
def list_in_a_column_sound():
    first = articles()[0]
    return jsonify(db.session.scalars(select(Article.title).where(Article.id.in_(first.related))).all())
