"""An N+1 that a cache hides until it is empty."""

from functools import lru_cache

from flask import jsonify
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from gazette.models import Article, Author, Category, db
from gazette.views import cache, flawed, sound


@lru_cache(maxsize=1)
def index():
    authors = db.session.scalars(select(Author).order_by(Author.id)).all()
    return [[article.title for article in author.articles] for author in authors]  # HERE lru-cache


@lru_cache(maxsize=1)
def index_sound():
    authors = db.session.scalars(select(Author).options(selectinload(Author.articles)).order_by(Author.id))
    return [[article.title for article in author.articles] for author in authors]


@flawed.get("/lru-cache", endpoint="lru_cache")
def lru_cached():
    return jsonify(index())


@sound.get("/lru-cache")
def lru_cache_sound():
    return jsonify(index_sound())


@flawed.get("/flask-caching")
@cache.cached()
def flask_caching():
    articles = db.session.scalars(select(Article).order_by(Article.id)).all()
    return jsonify([[comment.text for comment in article.comments] for article in articles])  # HERE flask-caching


@sound.get("/flask-caching")
@cache.cached()
def flask_caching_sound():
    query = select(Article).options(selectinload(Article.comments)).order_by(Article.id)
    return jsonify([[comment.text for comment in article.comments] for article in db.session.scalars(query)])


@lru_cache
def category_name(key):
    return db.session.get(Category, key).name  # HERE cached-lookup


@flawed.get("/cached-lookup")
def cached_lookup():
    """One lookup per category that the cache does not know yet."""
    keys = db.session.scalars(select(Article.category_id).order_by(Article.id)).all()
    return jsonify([category_name(key) for key in keys])


@sound.get("/cached-lookup")
def cached_lookup_sound():
    names = db.session.execute(select(Category.name).join(Article, Article.category_id == Category.id))
    return jsonify([name for (name,) in names])
