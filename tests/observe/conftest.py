"""Real databases for the tests of seatrial.observe."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from observe.blog import Blog
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from seatrial.database import open_databases
from seatrial.observe import connections, outbound


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(50))
    posts: Mapped[list["Post"]] = relationship(back_populates="author")


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    author: Mapped[User] = relationship(back_populates="posts")


@pytest.fixture
def models() -> Any:
    class Models:
        base, user, post = Base, User, Post

    return Models


def _filled(engine: sa.Engine) -> sa.Engine:
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(User), [{"name": f"user {i}"} for i in range(1, 7)])
        connection.execute(sa.insert(Post), [{"author_id": i} for i in range(1, 7)])
    return engine


@pytest.fixture
def new_engine(tmp_path: Path) -> Iterator[Callable[..., sa.Engine]]:
    """Makes engines on SQLite files of the given name, with tables and six users."""
    made: list[sa.Engine] = []

    def make(name: str = "one", **options: Any) -> sa.Engine:
        engine = _filled(sa.create_engine(f"sqlite:///{tmp_path / name}.db", **options))
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.dispose()


@pytest.fixture
def engine(new_engine: Callable[..., sa.Engine]) -> sa.Engine:
    return new_engine()


@pytest.fixture(scope="session")
def blog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blog]:
    made = Blog(tmp_path_factory.mktemp("blog") / "blog.db")
    yield made
    made.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database on an embedded server; one for all tests, because the server takes a second to start."""
    saved = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
    with open_databases("embedded", run="observe") as databases:
        name = databases.name("tests")
        databases.create(name)
        yield databases.url(name)
    os.environ.update(saved)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[sa.Engine]:
    engine = _filled(sa.create_engine(postgres_url))
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def open_afterwards() -> Iterator[None]:
    """No test leaves a guard switched on."""
    yield
    outbound.uninstall()
    connections.release()
