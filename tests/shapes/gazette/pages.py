"""Pages that show a part of a table: one object, one page of a list, one organization."""

from flask import Response, abort, jsonify, request, stream_with_context
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from gazette.models import Article, Author, Comment, Event, Member, Project, Setting, db
from gazette.views import flawed, sound

PAGE = 2
"""The page is full with the events of the seed."""


@flawed.get("/full-page")
def full_page():
    page = db.session.scalars(select(Event).order_by(Event.id).limit(PAGE)).all()
    return jsonify([[note.text for note in event.notes] for event in page])  # HERE full-page


@sound.get("/full-page")
def full_page_sound():
    page = db.session.scalars(select(Event).options(selectinload(Event.notes)).order_by(Event.id).limit(PAGE))
    return jsonify([[note.text for note in event.notes] for event in page])


@flawed.get("/detail/<int:author_id>")
def detail(author_id):
    """One author; what grows are the articles under it."""
    author = db.get_or_404(Author, author_id)
    return jsonify([len(article.comments) for article in author.articles])  # HERE detail


@sound.get("/detail/<int:author_id>")
def detail_sound(author_id):
    path = selectinload(Author.articles).selectinload(Article.comments)
    author = db.get_or_404(Author, author_id, options=[path])
    return jsonify([len(article.comments) for article in author.articles])


def member():
    found = db.session.scalars(select(Member).filter_by(token=request.headers.get("X-Token", ""))).first()
    return found or abort(401)


def projects(*options):
    query = select(Project).where(Project.organization_id == member().organization_id)
    return db.session.scalars(query.options(*options).order_by(Project.id)).all()


@flawed.get("/tenant")
def tenant():
    return jsonify([[task.title for task in project.tasks] for project in projects()])  # HERE tenant


@sound.get("/tenant")
def tenant_sound():
    return jsonify([[task.title for task in project.tasks] for project in projects(selectinload(Project.tasks))])


def setting():
    """There must be one row: with two of them the page is a 500."""
    return db.session.scalars(select(Setting)).one()


@flawed.get("/singleton")
def singleton():
    articles = db.session.scalars(select(Article).order_by(Article.id)).all()
    return jsonify(setting().title, [len(article.comments) for article in articles])  # HERE singleton


@sound.get("/singleton")
def singleton_sound():
    query = select(Article).options(selectinload(Article.comments)).order_by(Article.id)
    return jsonify(setting().title, [len(article.comments) for article in db.session.scalars(query)])


@flawed.get("/streamed")
def streamed():
    def lines():
        for article in db.session.scalars(select(Article).order_by(Article.id)).all():
            yield f"{article.title}: {len(article.comments)}\n"  # HERE streamed

    return Response(stream_with_context(lines()), mimetype="text/plain")


@sound.get("/streamed")
def streamed_sound():
    def lines():
        texts = {}
        for comment in db.session.scalars(select(Comment)):
            texts.setdefault(comment.article_id, []).append(comment.text)
        for article in db.session.scalars(select(Article).order_by(Article.id)):
            yield f"{article.title}: {len(texts.get(article.id, []))}\n"

    return Response(stream_with_context(lines()), mimetype="text/plain")
