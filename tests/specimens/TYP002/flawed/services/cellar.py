"""The cellar."""


def doors(cellar: str) -> int:
    return len(cellar)


def shelves(cellar: str) -> int:
    return len(cellar)


def bottles(cellar: str) -> int:
    return len(cellar)


def keys(cellar, spare: int = 0):
    return len(cellar) + spare


def hooks(cellar):
    return len(cellar)
