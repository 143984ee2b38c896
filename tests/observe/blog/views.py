"""One view per way in which statements are sent, each in a loop over six."""

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor

from flask import current_app, render_template, render_template_string
from observe.blog.models import Comment, Ferry, Post, Profile, Tag, User, Vessel, db
from sqlalchemy import func, lambda_stmt, select, text
from sqlalchemy.orm import (
    Bundle,
    aliased,
    immediateload,
    load_only,
    selectin_polymorphic,
    selectinload,
    subqueryload,
    with_parent,
    with_polymorphic,
)
from sqlalchemy.util.concurrency import greenlet_spawn

S = db.session
ROUTES = {}


def route(view):
    ROUTES[view.__name__] = view
    return view


def users():
    return S.scalars(select(User)).all()


@route
def lists():
    return render_template("list.html", users=users())


@route
def m2o():
    return render_template("m2o.html", posts=S.scalars(select(Post)).all())


@route
def m2o_known():
    known = users()
    return render_template("m2o.html", posts=S.scalars(select(Post)).all(), known=known)


@route
def selectin():
    return render_template("list.html", users=S.scalars(select(User).options(selectinload(User.posts))).all())


@route
def get_loop():
    return str([S.get(User, number).name for number in range(1, 7)])


@route
def get_404_loop():
    return str([db.get_or_404(User, number).name for number in range(1, 7)])


@route
def legacy_get_loop():
    return str([User.query.get(number).name for number in range(1, 7)])


@route
def count_loop():
    return str([Post.query.filter_by(author_id=user.id).count() for user in users()])


@route
def scalar_count_loop():
    counted = select(func.count()).select_from(Post)
    return str([S.scalar(counted.where(Post.author_id == user.id)) for user in users()])


@route
def dynamic():
    all_users = users()
    counts = [user.posts_dyn.count() for user in all_users]
    return str(counts + [len(list(user.posts_dyn)) for user in all_users])


@route
def write_only():
    return str([len(S.scalars(user.posts_wo.select()).all()) for user in users()])


@route
def deferred():
    return "".join(user.bio for user in users())


@route
def expired():
    all_users = users()
    S.commit()
    return "".join(user.name for user in all_users)


@route
def deferred_after_commit():
    all_users = users()
    S.commit()
    return "".join(f"{user.bio}{user.name}" for user in all_users)


@route
def nested():
    return str(sum(len(post.comments) for user in users() for post in user.posts))


@route
def in_lists():
    for length in (1, 2, 3):
        S.scalars(select(Post).where(Post.author_id.in_(range(length)))).all()
    return ""


# ---- beyond the fifteen
@route
def refreshed():
    for user in users():
        S.refresh(user)
    return ""


@route
def refreshed_collection():
    for user in users():
        S.refresh(user, ["posts"])
    return ""


@route
def expired_attribute():
    for user in users():
        S.expire(user, ["name"])
        str(user.name)
    return ""


@route
def only_loaded():
    return "".join(user.name for user in S.scalars(select(User).options(load_only(User.id))))


@route
def dynamic_filtered():
    return str([user.posts_dyn.filter(Post.id > 0).all() for user in users()])


@route
def dynamic_many_to_many():
    return str([user.tags_dyn.count() for user in users()])


@route
def dynamic_first():
    return str([user.posts_dyn.order_by(Post.id).first() for user in users()])


@route
def write_only_count():
    for user in users():
        S.scalar(select(func.count()).select_from(user.posts_wo.select().subquery()))
    return ""


@route
def parented():
    return str([S.scalars(select(Post).where(with_parent(user, User.posts))).all() for user in users()])


@route
def compared():
    return str([S.scalars(select(Post).where(Post.author == user)).all() for user in users()])


@route
def proxied():
    return str([list(user.tag_names) for user in users()])


@route
def one_to_one():
    return str([user.profile.id for user in users()])


@route
def from_profile():
    return str([profile.user.name for profile in S.scalars(select(Profile))])


@route
def immediate():
    return str(len(S.scalars(select(User).options(immediateload(User.posts))).all()))


@route
def subquery():
    return str([len(user.posts) for user in S.scalars(select(User).options(subqueryload(User.posts)))])


@route
def aliased_path():
    author = aliased(User)
    return str([len(user.posts) for user in S.scalars(select(author).where(author.id > 0)).all()])


@route
def aliased_get():
    writer = aliased(Post)
    return str([S.scalar(select(writer.id).where(writer.author_id == number)) for number in range(1, 7)])


@route
def bundled():
    rows = [S.execute(select(Bundle("b", Post.id, Post.author_id)).where(Post.id == n)).all() for n in range(1, 7)]
    return str(len(rows))


@route
def subclass_columns():
    return str([vessel.cars for vessel in S.scalars(select(Vessel)).all()])


@route
def subclass_chunks():
    fleet = S.scalars(select(Vessel).options(selectin_polymorphic(Vessel, [Ferry]))).all()
    return str([vessel.cars for vessel in fleet])


@route
def inherited_relationship():
    return str([len(ferry.crew) for ferry in S.scalars(select(Ferry)).all()])


@route
def subclass_relationship():
    fleet = with_polymorphic(Vessel, [Ferry])
    return str([len(vessel.decks) for vessel in S.scalars(select(fleet)).all()])


@route
def legacy_first():
    return str([User.query.filter_by(id=number).first().name for number in range(1, 7)])


@route
def legacy_all():
    return str([list(User.query.filter_by(id=number)) for number in range(1, 7)])


@route
def raw_text():
    for number in range(1, 7):
        S.execute(text("SELECT name FROM user WHERE id = :id"), {"id": number})
    return ""


@route
def core():
    with db.engine.connect() as connection:
        for number in range(1, 7):
            connection.execute(select(User.__table__.c.name).where(User.__table__.c.id == number))
    return ""


@route
def from_text():
    for number in range(1, 7):
        S.scalars(select(User).from_statement(text("SELECT * FROM user WHERE id = :n").bindparams(n=number))).all()
    return ""


@route
def unions():
    for number in range(1, 7):
        both = select(User).where(User.id == number).union_all(select(User).where(User.id == 0))
        S.scalars(select(User).from_statement(both)).all()
    return ""


@route
def lambdas():
    def one(number):
        return S.scalars(lambda_stmt(lambda: select(User).where(User.id == number))).all()

    return str([one(number) for number in range(1, 7)])


@route
def bulk_update():
    for number in range(1, 7):
        S.execute(db.update(User).where(User.id == number).values(name="x"))
    S.rollback()
    return ""


@route
def flushed():
    for _ in range(6):
        S.add(Tag(name="new"))
        S.flush()
    S.rollback()
    return ""


@route
def threads():
    app = current_app._get_current_object()

    def read(number):
        with app.app_context():
            return S.get(User, number).name

    with ThreadPoolExecutor(2) as pool:
        return str(list(pool.map(read, range(1, 7))))


@route
def in_greenlets():
    async def read():
        return [(await greenlet_spawn(S.get, User, number)).name for number in range(1, 7)]

    return str(asyncio.run(read()))


@route
def same_get():
    for _ in range(6):
        S.get(User, 1)
    return ""


@route
def same_parent():
    for number in (3, 5, 3, 5):
        post = S.get(Post, number)
        author = post.author.name
        S.scalars(select(Comment).where(with_parent(post, Post.comments))).all()
        del post
        gc.collect()  # what is left of the statement is a cycle
    return author


@route
def inherited_template():
    return render_template("child.html", users=users())


@route
def call_block():
    return render_template("call.html", users=users())


@route
def from_string():
    return render_template_string("{% for u in users %}\n{{ u.posts|length }}\n{% endfor %}", users=users())


@route
def paged():
    return str([db.paginate(select(User), page=number, per_page=1).total for number in range(1, 7)])


def add(app):
    for name, view in ROUTES.items():
        app.add_url_rule(f"/{name}", name, view)
