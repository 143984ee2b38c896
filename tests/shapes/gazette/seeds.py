"""As few rows as a page needs: one parent in most tables, so that nothing repeats before the data grows."""

import uuid

from flask import Flask

from gazette import models as m

EVENTS = 495
"""Of a list whose eager loader needs a second chunk as soon as there are more than 500."""
FACTOR_OF_EVENTS = 3


def seed(app: Flask, factor: int = 1) -> None:
    """`factor`: how many times each list is there. 1 is the seed of the trials; more is a seed grown by hand."""
    with app.app_context():
        m.db.session.add(m.Rate(currency="EUR", value=100))
        m.db.session.commit()  # by the second engine, which would wait for the first
        for number in range(factor):
            m.db.session.add_all(_lists(number, factor))
        events = [m.Event(name=f"event {n}") for n in range(EVENTS * (1 if factor == 1 else FACTOR_OF_EVENTS))]
        events[0].notes.append(m.EventNote(text="note"))
        m.db.session.add_all(events)
        # what all copies share: one organization, one author of many articles
        organization = m.Organization(name="ours")
        m.db.session.add(m.Setting(title="gazette"))
        m.db.session.add_all([organization, m.Organization(name="theirs")])
        m.db.session.flush()
        m.db.session.add(m.Member(organization_id=organization.id, token="token-of-ours"))
        for number in range(factor):
            m.db.session.add(m.Project(organization_id=organization.id, name=f"p{number}", tasks=[m.Task(title="t")]))
        first = m.db.session.scalars(m.db.select(m.Article).order_by(m.Article.id)).first()
        for number in range(1, factor):
            m.db.session.add(
                m.Article(
                    author_id=first.author_id,
                    category_id=first.category_id,
                    title=f"more {number}",
                    status="open",
                    related=[],
                    body="text",
                    comments=[m.Comment(text="more")],
                )
            )
        m.db.session.commit()


def _lists(number: int, factor: int) -> list[object]:
    author, category = m.Author(name=f"ann {number}"), m.Category(name=f"category {number}")
    author.profile = m.Profile(text="writes")
    tag = m.Tag(name=f"tag {number}")
    m.db.session.add_all([author, category, tag])
    m.db.session.flush()
    article = m.Article(
        author_id=author.id,
        category_id=category.id,
        title=f"title {number}",
        status="open" if number == 0 else f"state {number}",
        related=list(range(factor)),
        body="text",
        tags=[tag],
        comments=[m.Comment(text=text, reactions=[m.Reaction(kind="like")]) for text in ("good", "bad")],
    )
    m.db.session.add(article)
    m.db.session.flush()
    order, product = m.Order(number=f"o{number}"), m.Product(sku=f"s{number}", currency="EUR")
    order.lines.append(m.OrderLine(product=product, quantity=1))
    root = m.Node(name="root", children=[m.Node(name="leaf")])
    device = m.Device(id=uuid.UUID(int=number + 1), name="probe")
    device.readings.append(m.Reading(id=uuid.UUID(int=1000 + number), value=1))
    return [
        m.Permission(article_id=article.id, action="read"),
        order,
        root,
        m.Truck(plate=f"t{number}", load_kg=10),
        m.Editor(name="eve", desk="news"),
        m.Channel(name="c", messages=[m.Message(text="hi")]),
        m.Board(name="b", pins=[m.Pin(text="hi")]),
        m.Shelf(hall="A", number=number, boxes=[m.Box(label="x")]),
        device,
    ]
