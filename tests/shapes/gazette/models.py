"""Tables of a newspaper. Relationships are lazy, as they are by default."""

import uuid

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import deferred, object_session

db = SQLAlchemy()

article_tag = db.Table(
    "article_tag",
    db.Column("article_id", db.ForeignKey("article.id"), primary_key=True),
    db.Column("tag_id", db.ForeignKey("tag.id"), primary_key=True),
)


class Organization(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(40), nullable=False)
    projects = db.relationship("Project")


class Setting(db.Model):
    """One row for the whole app."""

    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(40), nullable=False)


class Member(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    organization_id = db.Column(db.ForeignKey("organization.id"), nullable=False)
    token = db.Column(db.String(40), nullable=False, unique=True)


class Project(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    organization_id = db.Column(db.ForeignKey("organization.id"), nullable=False)
    name = db.Column(db.String(40), nullable=False)
    tasks = db.relationship("Task")


class Task(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    project_id = db.Column(db.ForeignKey("project.id"), nullable=False)
    title = db.Column(db.String(40), nullable=False)


class Author(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(40), nullable=False, unique=True)
    articles = db.relationship("Article", back_populates="author", order_by="Article.id")
    profile = db.relationship("Profile", back_populates="author", uselist=False)

    @hybrid_property
    def article_total(self):
        query = sa.select(sa.func.count(Article.id)).where(Article.author_id == self.id)
        return object_session(self).scalar(query)  # HERE hybrid-property

    @article_total.inplace.expression
    @classmethod
    def _article_total(cls):
        return (
            sa.select(sa.func.count(Article.id)).where(Article.author_id == cls.id).correlate_except(Article)
        ).scalar_subquery()


class Profile(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    author_id = db.Column(db.ForeignKey("author.id"), nullable=False, unique=True)
    text = db.Column(db.String(80), nullable=False)
    author = db.relationship(Author, back_populates="profile")


class Category(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(40), nullable=False)


class Article(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    author_id = db.Column(db.ForeignKey("author.id"), nullable=False)
    category_id = db.Column(db.ForeignKey("category.id"), nullable=False)
    title = db.Column(db.String(40), nullable=False)
    status = db.Column(db.String(10), nullable=False)
    related = db.Column(db.JSON, nullable=False)
    body = deferred(db.Column(db.Text, nullable=False))
    author = db.relationship(Author, back_populates="articles")
    comments = db.relationship("Comment", back_populates="article", order_by="Comment.id")
    tags = db.relationship("Tag", secondary=article_tag)

    @property
    def comment_total(self):
        query = sa.select(sa.func.count(Comment.id)).where(Comment.article_id == self.id)
        return object_session(self).scalar(query)  # HERE model-property

    def to_dict(self):
        return {"title": self.title, "comments": [comment.to_dict() for comment in self.comments]}  # HERE to-dict


class Comment(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    article_id = db.Column(db.ForeignKey("article.id"), nullable=False)
    text = db.Column(db.String(80), nullable=False)
    article = db.relationship(Article, back_populates="comments")
    reactions = db.relationship("Reaction")

    def to_dict(self):
        return {"text": self.text, "reactions": [reaction.kind for reaction in self.reactions]}


class Reaction(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    comment_id = db.Column(db.ForeignKey("comment.id"), nullable=False)
    kind = db.Column(db.String(10), nullable=False)


class Tag(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(20), nullable=False, unique=True)


class Permission(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    article_id = db.Column(db.ForeignKey("article.id"), nullable=False)
    action = db.Column(db.String(10), nullable=False)


class Order(db.Model):
    __tablename__ = "purchase"
    id = db.Column(db.Integer, primary_key=True)
    number = db.Column(db.String(20), nullable=False, unique=True)
    lines = db.relationship("OrderLine")
    products = association_proxy("lines", "product")


class Product(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    sku = db.Column(db.String(20), nullable=False, unique=True)
    currency = db.Column(db.String(3), nullable=False)


class OrderLine(db.Model):
    purchase_id = db.Column(db.ForeignKey("purchase.id"), primary_key=True)
    product_id = db.Column(db.ForeignKey("product.id"), primary_key=True)
    quantity = db.Column(db.Integer, nullable=False)
    product = db.relationship(Product)


class Rate(db.Model):
    __bind_key__ = "reference"
    currency = db.Column(db.String(3), primary_key=True)
    value = db.Column(db.Integer, nullable=False)


class Node(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    parent_id = db.Column(db.ForeignKey("node.id"))
    name = db.Column(db.String(20), nullable=False)
    children = db.relationship("Node", back_populates="parent", order_by="Node.id")
    parent = db.relationship("Node", back_populates="children", remote_side=id)


class Vehicle(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    kind = db.Column(db.String(10), nullable=False)
    plate = db.Column(db.String(10), nullable=False, unique=True)
    __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "vehicle"}  # noqa: RUF012


class Truck(Vehicle):
    id = db.Column(db.ForeignKey("vehicle.id"), primary_key=True)
    load_kg = db.Column(db.Integer, nullable=False)
    __mapper_args__ = {"polymorphic_identity": "truck"}  # noqa: RUF012


class Staff(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    kind = db.Column(db.String(10), nullable=False)
    name = db.Column(db.String(40), nullable=False)
    __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "staff"}  # noqa: RUF012


class Editor(Staff):
    desk = db.Column(db.String(20))
    __mapper_args__ = {"polymorphic_identity": "editor"}  # noqa: RUF012


class Channel(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(20), nullable=False)
    messages = db.relationship("Message", lazy="dynamic")


class Message(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    channel_id = db.Column(db.ForeignKey("channel.id"), nullable=False)
    text = db.Column(db.String(80), nullable=False)


class Board(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(20), nullable=False)
    pins = db.relationship("Pin", lazy="write_only", passive_deletes=True)


class Pin(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    board_id = db.Column(db.ForeignKey("board.id"), nullable=False)
    text = db.Column(db.String(80), nullable=False)


class Shelf(db.Model):
    hall = db.Column(db.String(5), primary_key=True)
    number = db.Column(db.Integer, primary_key=True)
    boxes = db.relationship("Box")


class Box(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    hall = db.Column(db.String(5), nullable=False)
    number = db.Column(db.Integer, nullable=False)
    label = db.Column(db.String(20), nullable=False)
    __table_args__ = (db.ForeignKeyConstraint(["hall", "number"], ["shelf.hall", "shelf.number"]),)


class Device(db.Model):
    id = db.Column(db.Uuid, primary_key=True, default=uuid.uuid4)
    name = db.Column(db.String(20), nullable=False)
    readings = db.relationship("Reading")


class Reading(db.Model):
    id = db.Column(db.Uuid, primary_key=True, default=uuid.uuid4)
    device_id = db.Column(db.ForeignKey("device.id"), nullable=False)
    value = db.Column(db.Integer, nullable=False)


class Event(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(20), nullable=False)
    notes = db.relationship("EventNote")


class EventNote(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    event_id = db.Column(db.ForeignKey("event.id"), nullable=False)
    text = db.Column(db.String(20), nullable=False)
