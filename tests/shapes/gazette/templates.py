"""Lazy loads that only a template sees."""

from flask import render_template
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from gazette.models import Article, Author, Category, Comment, db
from gazette.views import flawed, sound


def every(entity, *options):
    return db.session.scalars(select(entity).options(*options).order_by(entity.id)).all()


@flawed.get("/template")
def template():
    return render_template("list.html", authors=every(Author))


@sound.get("/template")
def template_sound():
    return render_template("list.html", authors=every(Author, selectinload(Author.articles)))


@flawed.get("/macro")
def macro():
    return render_template("macro_list.html", comments=every(Comment))


@sound.get("/macro")
def macro_sound():
    return render_template("macro_list.html", comments=every(Comment, joinedload(Comment.article)))


@flawed.get("/include")
def include():
    return render_template("include_list.html", articles=every(Article))


@sound.get("/include")
def include_sound():
    return render_template("include_list.html", articles=every(Article, selectinload(Article.comments)))


@flawed.get("/template-block")
def template_block():
    return render_template("block.html", articles=every(Article))


@sound.get("/template-block")
def template_block_sound():
    return render_template("block.html", articles=every(Article, selectinload(Article.tags)))


@flawed.app_template_filter("comment_total")
def comment_total(article):
    return db.session.scalar(select(func.count()).where(Comment.article_id == article.id))  # HERE jinja-filter


@flawed.get("/jinja-filter")
def jinja_filter():
    return render_template("filter.html", articles=every(Article))


@sound.get("/jinja-filter")
def jinja_filter_sound():
    """The filter looks the number up in what the page has fetched."""
    query = select(Comment.article_id, func.count()).group_by(Comment.article_id)
    totals = dict(db.session.execute(query).tuples().all())
    return render_template("totals.html", articles=every(Article), totals=totals)


@flawed.context_processor
def menu():
    def entries():
        for category in every(Category):
            total = select(func.count()).where(Article.category_id == category.id)
            yield category.name, db.session.scalar(total)  # HERE context-processor

    return {"menu": entries}


@sound.context_processor
def menu_sound():
    def entries():
        total = select(func.count()).where(Article.category_id == Category.id).scalar_subquery()
        return db.session.execute(select(Category.name, total)).tuples().all()

    return {"menu": entries}


@flawed.get("/context-processor")
def context_processor():
    return render_template("menu.html")


@sound.get("/context-processor")
def context_processor_sound():
    return render_template("menu.html")
