"""Serialisers that walk over relationships."""

from flask import jsonify
from marshmallow import Schema, fields
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from gazette.models import Article, Comment, db
from gazette.views import flawed, sound


class CommentSchema(Schema):
    text = fields.String()


class ArticleSchema(Schema):
    title = fields.String()
    comments = fields.List(fields.Nested(CommentSchema))


class CommentOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    text: str


class ArticleOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    title: str
    comments: list[CommentOut]


def articles(*options):
    return db.session.scalars(select(Article).options(*options).order_by(Article.id)).all()


@flawed.get("/marshmallow")
def marshmallow():
    return jsonify(ArticleSchema(many=True).dump(articles()))  # HERE marshmallow


@sound.get("/marshmallow")
def marshmallow_sound():
    return jsonify(ArticleSchema(many=True).dump(articles(selectinload(Article.comments))))


@flawed.get("/pydantic")
def pydantic():
    return jsonify([ArticleOut.model_validate(article).model_dump() for article in articles()])  # HERE pydantic


@sound.get("/pydantic")
def pydantic_sound():
    found = articles(selectinload(Article.comments))
    return jsonify([ArticleOut.model_validate(article).model_dump() for article in found])


@flawed.get("/to-dict")
def to_dict():
    return jsonify([article.to_dict() for article in articles()])


@sound.get("/to-dict")
def to_dict_sound():
    found = articles(selectinload(Article.comments).selectinload(Comment.reactions))
    return jsonify([article.to_dict() for article in found])
