"""Every movement of a bottle."""

from sound import Movement
from sqlalchemy.orm import Session


def record(session: Session, bottles: int) -> None:
    session.add(Movement(bottles=bottles))
