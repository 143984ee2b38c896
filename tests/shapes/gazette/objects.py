"""Columns that are fetched row by row, because the query left them out or a commit took them away."""

from flask import jsonify
from sqlalchemy import select
from sqlalchemy.orm import undefer

from gazette.models import Article, db
from gazette.views import flawed, sound


def articles(*options, **execution):
    query = select(Article).options(*options).order_by(Article.id)
    return db.session.scalars(query, execution_options=execution).all()


@flawed.get("/deferred-column")
def deferred_column():
    return jsonify([article.body for article in articles()])  # HERE deferred-column


@sound.get("/deferred-column")
def deferred_column_sound():
    return jsonify([article.body for article in articles(undefer(Article.body))])


@flawed.get("/expired")
def expired():
    found = articles()
    db.session.commit()
    return jsonify([article.title for article in found])  # HERE expired


@sound.get("/expired")
def expired_sound():
    titles = [article.title for article in articles()]
    db.session.commit()
    return jsonify(titles)


@flawed.get("/refresh")
def refresh():
    found = articles()
    for article in found:
        db.session.refresh(article)  # HERE refresh
    return jsonify([article.title for article in found])


@sound.get("/refresh")
def refresh_sound():
    articles()
    return jsonify([article.title for article in articles(populate_existing=True)])
