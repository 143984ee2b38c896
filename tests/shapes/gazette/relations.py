"""Relationships that are loaded when they are touched."""

from flask import jsonify
from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload, raiseload, selectinload, subqueryload

from gazette.models import (
    Article,
    Author,
    Board,
    Channel,
    Comment,
    Device,
    Message,
    Node,
    Order,
    OrderLine,
    Pin,
    Profile,
    Shelf,
    db,
)
from gazette.views import flawed, sound


def every(entity, *options):
    return db.session.scalars(select(entity).options(*options).order_by(*entity.__table__.primary_key)).unique().all()


@flawed.get("/lazy-collection")
def lazy_collection():
    found = []
    for author in every(Author):
        found.append([article.title for article in author.articles])  # HERE lazy-collection
    return jsonify(found)


@sound.get("/lazy-collection")
def lazy_collection_sound():
    return jsonify([[a.title for a in author.articles] for author in every(Author, selectinload(Author.articles))])


@flawed.get("/legacy-query")
def legacy_query():
    authors = Author.query.all()
    return jsonify([[article.title for article in author.articles] for author in authors])  # HERE legacy-query


@sound.get("/legacy-query")
def legacy_query_sound():
    authors = Author.query.options(selectinload(Author.articles)).all()
    return jsonify([[article.title for article in author.articles] for author in authors])


@flawed.get("/many-to-one")
def many_to_one():
    """All comments of the seed have one article: the identity map answers from the second row on."""
    return jsonify([comment.article.title for comment in every(Comment)])  # HERE many-to-one


@sound.get("/many-to-one")
def many_to_one_sound():
    return jsonify([comment.article.title for comment in every(Comment, joinedload(Comment.article))])


@flawed.get("/two-hops")
def two_hops():
    return jsonify([comment.article.author.name for comment in every(Comment)])  # HERE two-hops


@sound.get("/two-hops")
def two_hops_sound():
    comments = every(Comment, joinedload(Comment.article).joinedload(Article.author), raiseload("*"))
    return jsonify([comment.article.author.name for comment in comments])


@flawed.get("/same-statement")
def same_statement():
    """Who visits is loaded by the same SQL as the author of each row."""
    visitor = db.session.scalars(select(Profile).order_by(Profile.id)).first().author.name
    return jsonify([visitor, *(article.author.name for article in every(Article))])  # HERE same-statement


@sound.get("/same-statement")
def same_statement_sound():
    visitor = db.session.scalars(select(Profile).order_by(Profile.id)).first().author.name
    return jsonify([visitor, *(article.author.name for article in every(Article, joinedload(Article.author)))])


@flawed.get("/one-to-one")
def one_to_one():
    return jsonify([author.profile.text for author in every(Author)])  # HERE one-to-one


@sound.get("/one-to-one")
def one_to_one_sound():
    query = select(Author).join(Author.profile).options(contains_eager(Author.profile)).order_by(Profile.id)
    return jsonify([author.profile.text for author in db.session.scalars(query)])


@flawed.get("/many-to-many")
def many_to_many():
    return jsonify([[tag.name for tag in article.tags] for article in every(Article)])  # HERE many-to-many


@sound.get("/many-to-many")
def many_to_many_sound():
    return jsonify([[tag.name for tag in a.tags] for a in every(Article, subqueryload(Article.tags))])


@flawed.get("/association-object")
def association_object():
    found = []
    for order in every(Order, selectinload(Order.lines)):
        found += [(line.product.sku, line.quantity) for line in order.lines]  # HERE association-object
    return jsonify(found)


@sound.get("/association-object")
def association_object_sound():
    orders = every(Order, selectinload(Order.lines).joinedload(OrderLine.product))
    return jsonify([(line.product.sku, line.quantity) for order in orders for line in order.lines])


@flawed.get("/association-proxy")
def association_proxy():
    return jsonify([[product.sku for product in order.products] for order in every(Order)])  # HERE association-proxy


@sound.get("/association-proxy")
def association_proxy_sound():
    orders = every(Order, joinedload(Order.lines).joinedload(OrderLine.product))
    return jsonify([[product.sku for product in order.products] for order in orders])


@flawed.get("/nested-two")
def nested_two():
    found = []
    for author in every(Author, selectinload(Author.articles)):
        for article in author.articles:
            found.append(len(article.comments))  # HERE nested-two
    return jsonify(found)


@sound.get("/nested-two")
def nested_two_sound():
    authors = every(Author, selectinload(Author.articles).selectinload(Article.comments))
    return jsonify([len(article.comments) for author in authors for article in author.articles])


@flawed.get("/nested-three")
def nested_three():
    found = []
    for author in every(Author):
        for article in author.articles:
            for comment in article.comments:
                found.append([reaction.kind for reaction in comment.reactions])  # HERE nested-three
    return jsonify(found)


@sound.get("/nested-three")
def nested_three_sound():
    path = selectinload(Author.articles).selectinload(Article.comments).selectinload(Comment.reactions)
    authors = every(Author, path)
    comments = [c for author in authors for article in author.articles for c in article.comments]
    return jsonify([[reaction.kind for reaction in comment.reactions] for comment in comments])


@flawed.get("/tree-children")
def tree_children():
    def branch(node):
        return {node.name: [branch(child) for child in node.children]}  # HERE tree-children

    roots = db.session.scalars(select(Node).where(Node.parent_id.is_(None)))
    return jsonify([branch(root) for root in roots])


@sound.get("/tree-children")
def tree_children_sound():
    """All rows at once; the tree is put together here."""
    nodes = every(Node)
    below = {node.id: [] for node in nodes}
    for node in nodes:
        below.get(node.parent_id, []).append(node)

    def branch(node):
        return {node.name: [branch(child) for child in below[node.id]]}

    return jsonify([branch(node) for node in nodes if node.parent_id is None])


@flawed.get("/parent-chain")
def parent_chain():
    leaves = db.session.scalars(select(Node).where(Node.parent_id.is_not(None)).order_by(Node.id)).all()
    return jsonify([f"{leaf.parent.name}/{leaf.name}" for leaf in leaves])  # HERE parent-chain


@sound.get("/parent-chain")
def parent_chain_sound():
    query = select(Node).where(Node.parent_id.is_not(None)).options(joinedload(Node.parent)).order_by(Node.id)
    return jsonify([f"{leaf.parent.name}/{leaf.name}" for leaf in db.session.scalars(query)])


@flawed.get("/dynamic")
def dynamic():
    return jsonify([[m.text for m in channel.messages] for channel in every(Channel)])  # HERE dynamic


@sound.get("/dynamic")
def dynamic_sound():
    rows = db.session.execute(select(Channel.id, Message.text).join(Message)).all()
    return jsonify([[text for owner, text in rows if owner == channel.id] for channel in every(Channel)])


@flawed.get("/write-only")
def write_only():
    found = []
    for board in every(Board):
        found.append([pin.text for pin in db.session.scalars(board.pins.select())])  # HERE write-only
    return jsonify(found)


@sound.get("/write-only")
def write_only_sound():
    pins = db.session.scalars(select(Pin)).all()
    return jsonify([[pin.text for pin in pins if pin.board_id == board.id] for board in every(Board)])


@flawed.get("/composite-key")
def composite_key():
    return jsonify([[box.label for box in shelf.boxes] for shelf in every(Shelf)])  # HERE composite-key


@sound.get("/composite-key")
def composite_key_sound():
    return jsonify([[box.label for box in shelf.boxes] for shelf in every(Shelf, selectinload(Shelf.boxes))])


@flawed.get("/uuid-key")
def uuid_key():
    return jsonify([[reading.value for reading in device.readings] for device in every(Device)])  # HERE uuid-key


@sound.get("/uuid-key")
def uuid_key_sound():
    devices = every(Device, selectinload(Device.readings))
    return jsonify([[reading.value for reading in device.readings] for device in devices])
