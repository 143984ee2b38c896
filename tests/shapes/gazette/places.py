"""An N+1 outside of the view's own session: another engine, other threads, after the view."""

from concurrent.futures import ThreadPoolExecutor

from flask import after_this_request, current_app, jsonify
from sqlalchemy import func, select

from gazette.models import Article, Comment, Product, Rate, db
from gazette.views import flawed, sound


def products():
    return db.session.scalars(select(Product).order_by(Product.id)).all()


@flawed.get("/second-bind")
def second_bind():
    found = []
    for product in products():
        query = select(Rate.value).where(Rate.currency == product.currency)
        found.append(db.session.scalar(query))  # HERE second-bind
    return jsonify(found)


@sound.get("/second-bind")
def second_bind_sound():
    listed = products()
    query = select(Rate.currency, Rate.value).where(Rate.currency.in_({product.currency for product in listed}))
    rates = dict(db.session.execute(query).tuples().all())
    return jsonify([rates[product.currency] for product in listed])


@flawed.get("/thread-pool")
def thread_pool():
    app = current_app._get_current_object()

    def comments(key):
        with app.app_context():
            query = select(func.count()).where(Comment.article_id == key)
            return db.session.scalar(query)  # HERE thread-pool

    keys = db.session.scalars(select(Article.id).order_by(Article.id)).all()
    with ThreadPoolExecutor(2) as pool:
        return jsonify(list(pool.map(comments, keys)))


@sound.get("/thread-pool")
def thread_pool_sound():
    app = current_app._get_current_object()

    def asked(query):
        with app.app_context():
            return db.session.scalars(query).all()

    with ThreadPoolExecutor(2) as pool:
        keys, commented = pool.map(asked, (select(Article.id), select(Comment.article_id)))
    return jsonify([commented.count(key) for key in keys])


@flawed.get("/after-request")
def after_request():
    @after_this_request
    def count(response):
        articles = db.session.scalars(select(Article).order_by(Article.id)).all()
        total = sum(len(article.comments) for article in articles)  # HERE after-request
        response.headers["X-Total"] = str(total)
        return response

    return jsonify([])


@sound.get("/after-request")
def after_request_sound():
    @after_this_request
    def count(response):
        response.headers["X-Total"] = str(db.session.scalar(select(func.count(Comment.id)).join(Article)))
        return response

    return jsonify(db.session.scalars(select(Article.title)).all())
