"""The cellar."""


def taken(cellar: str, amount: int) -> int:
    return len(cellar) - amount
