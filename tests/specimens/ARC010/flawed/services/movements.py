"""Every movement of a bottle."""

from flawed import Movement
from sqlalchemy.orm import Session


def record(session: Session, bottles: int) -> None:
    session.add(Movement(bottles=bottles))
