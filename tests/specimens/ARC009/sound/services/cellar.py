"""The cellar."""


def taken(cellar: str, count: int = 1) -> int:
    return len(cellar) - count
