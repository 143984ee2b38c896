"""Nothing yet."""


def record(bottles: int) -> None:
    raise NotImplementedError
