"""The cellar."""


def doors(cellar: str) -> int:
    return len(cellar)


def shelves(cellar: str) -> int:
    return len(cellar)


def bottles(cellar: str) -> int:
    return len(cellar)


def corks(cellar: str) -> int:
    return len(cellar)


def labels(cellar: str) -> int:
    return len(cellar)


def keys(cellar: str, spare: int = 0) -> int:
    return len(cellar) + spare
