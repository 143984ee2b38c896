"""Users, posts, comments; tags by a secondary table; vessels by joined inheritance."""

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.orm import DynamicMapped, Mapped, WriteOnlyMapped, mapped_column, relationship

db = SQLAlchemy()
taggings = db.Table("taggings", db.Column("user_id", ForeignKey("user.id")), db.Column("tag_id", ForeignKey("tag.id")))


class User(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    bio: Mapped[str] = mapped_column(default="b", deferred=True)
    posts: Mapped[list["Post"]] = relationship(back_populates="author")
    posts_dyn: DynamicMapped["Post"] = relationship(viewonly=True)
    posts_wo: WriteOnlyMapped["Post"] = relationship(viewonly=True)
    tags: Mapped[list["Tag"]] = relationship(secondary=taggings)
    tags_dyn: DynamicMapped["Tag"] = relationship(secondary=taggings, viewonly=True)
    profile: Mapped["Profile"] = relationship(back_populates="user")
    tag_names = association_proxy("tags", "name")

    @property
    def newest(self):
        return max((post.id for post in self.posts), default=0)


class Tag(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Profile(db.Model):
    __table_args__ = {"schema": "main"}  # noqa: RUF012
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    user: Mapped[User] = relationship(back_populates="profile")


class Post(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    author: Mapped[User] = relationship(back_populates="posts")
    comments: Mapped[list["Comment"]] = relationship(back_populates="post")


class Comment(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    post: Mapped[Post] = relationship(back_populates="comments")


class Vessel(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    crew: Mapped[list["Sailor"]] = relationship()
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "vessel"}  # noqa: RUF012


class Ferry(Vessel):
    id: Mapped[int] = mapped_column(ForeignKey("vessel.id"), primary_key=True)
    cars: Mapped[int]
    decks: Mapped[list["Deck"]] = relationship()
    __mapper_args__ = {"polymorphic_identity": "ferry"}  # noqa: RUF012


class Sailor(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    vessel_id: Mapped[int] = mapped_column(ForeignKey("vessel.id"))


class Deck(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    ferry_id: Mapped[int] = mapped_column(ForeignKey("ferry.id"))


def sow(users):
    for number in range(users):
        user = User(name=f"u{number}", tags=[Tag(name=f"t{number}")], profile=Profile())
        db.session.add(user)
        user.posts = [Post(comments=[Comment(), Comment()]) for _ in range(2)]
        db.session.add(Ferry(name=f"f{number}", cars=number, crew=[Sailor()], decks=[Deck()]))
    db.session.commit()
