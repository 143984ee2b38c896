"""(convicted, tried) of every variant on each database under each family, and the verdicts that may come up."""

from seatrial.model.webhooks import DOUBLE, EARLY, LOST, OUTBOUND_REPEATED, PARTIAL

FAMILIES = ("duplicates", "death", "recovery", "errors", "calls", "race", "threads", "pair", "acknowledged")


def _row(*cells: tuple[int, int]) -> dict[str, tuple[int, int]]:
    return dict(zip(FAMILIES, cells, strict=True))


EXPECTED = {
    ("naive", "embedded"): _row((2, 2), (4, 10), (24, 30), (1, 7), (2, 2), (31, 31), (31, 31), (25, 31), (1, 6)),
    ("naive", "sqlite"): _row((2, 2), (4, 10), (24, 30), (1, 7), (2, 2), (31, 31), (31, 31), (6, 31), (1, 6)),
    ("check_then_act", "embedded"): _row(
        (0, 2), (5, 14), (33, 45), (3, 14), (2, 2), (64, 73), (64, 73), (37, 73), (2, 9)
    ),
    ("check_then_act", "sqlite"): _row(
        (0, 2), (5, 14), (33, 45), (3, 14), (2, 2), (27, 73), (27, 73), (12, 73), (1, 9)
    ),
    ("one_transaction_no_unique", "embedded"): _row(
        (0, 2), (0, 12), (0, 27), (0, 12), (0, 2), (49, 57), (49, 57), (41, 57), (0, 8)
    ),
    ("one_transaction_no_unique", "sqlite"): _row(
        (0, 2), (0, 12), (0, 27), (0, 12), (0, 2), (16, 57), (16, 57), (8, 57), (0, 8)
    ),
    ("on_conflict_first", "embedded"): _row(
        (0, 2), (0, 11), (0, 25), (0, 11), (0, 2), (0, 43), (0, 43), (29, 43), (0, 7)
    ),
    ("on_conflict_first", "sqlite"): _row((0, 2), (0, 11), (0, 25), (0, 11), (0, 2), (0, 43), (0, 43), (0, 43), (0, 7)),
    ("savepoint", "embedded"): _row((0, 2), (0, 13), (0, 31), (0, 13), (0, 2), (0, 73), (0, 73), (37, 73), (0, 9)),
    ("savepoint", "sqlite"): _row((0, 2), (7, 13), (12, 23), (8, 13), (2, 2), (2, 73), (2, 73), (13, 73), (2, 9)),
    ("outbox", "embedded"): _row((0, 2), (0, 16), (0, 44), (0, 16), (0, 2), (0, 111), (0, 111), (72, 111), (0, 11)),
    ("outbox", "sqlite"): _row((0, 2), (0, 16), (0, 44), (0, 16), (0, 2), (0, 111), (0, 111), (21, 111), (0, 11)),
    ("claim_first", "embedded"): _row(
        (0, 2), (10, 15), (16, 24), (11, 15), (2, 2), (0, 91), (0, 91), (61, 91), (6, 10)
    ),
    ("claim_first", "sqlite"): _row((0, 2), (10, 15), (16, 24), (11, 15), (2, 2), (0, 91), (0, 91), (16, 91), (2, 10)),
    ("swallow_exception", "embedded"): _row(
        (0, 2), (0, 11), (0, 25), (8, 11), (2, 2), (0, 43), (0, 43), (29, 43), (0, 7)
    ),
    ("swallow_exception", "sqlite"): _row((0, 2), (0, 11), (0, 25), (8, 11), (2, 2), (0, 43), (0, 43), (0, 43), (0, 7)),
    ("any_row_is_done", "embedded"): _row(
        (0, 2), (0, 11), (0, 25), (9, 11), (2, 2), (0, 43), (0, 43), (29, 43), (0, 7)
    ),
    ("any_row_is_done", "sqlite"): _row((0, 2), (0, 11), (0, 25), (9, 11), (2, 2), (0, 43), (0, 43), (5, 43), (0, 7)),
    ("specified", "embedded"): _row((0, 2), (0, 13), (0, 31), (0, 13), (0, 2), (0, 73), (0, 73), (0, 73), (0, 9)),
    ("specified", "sqlite"): _row((0, 2), (0, 13), (0, 31), (0, 13), (0, 2), (0, 73), (0, 73), (0, 73), (0, 9)),
    ("random_key", "embedded"): _row((0, 2), (2, 11), (13, 25), (1, 11), (1, 2), (0, 43), (0, 43), (29, 43), (0, 7)),
    ("random_key", "sqlite"): _row((0, 2), (2, 11), (13, 25), (1, 11), (1, 2), (0, 43), (0, 43), (0, 43), (0, 7)),
    ("remembered_in_memory", "embedded"): _row(
        (2, 2), (2, 10), (14, 30), (1, 7), (0, 2), (31, 31), (0, 31), (25, 31), (1, 6)
    ),
    ("remembered_in_memory", "sqlite"): _row(
        (2, 2), (2, 10), (14, 30), (1, 7), (0, 2), (31, 31), (0, 31), (6, 31), (1, 6)
    ),
    ("answers_first", "embedded"): _row((0, 2), (0, 2), (0, 2), (10, 11), (2, 2), (0, 43), (0, 43), (28, 43), (9, 16)),
    ("answers_first", "sqlite"): _row((0, 2), (0, 2), (0, 2), (10, 11), (2, 2), (0, 43), (0, 43), (36, 43), (9, 16)),
    ("shared_session", "embedded"): _row((0, 2), (0, 10), (0, 23), (0, 9), (0, 2), (0, 31), (0, 31), (0, 31), (0, 6)),
    ("shared_session", "sqlite"): _row((0, 2), (0, 10), (0, 23), (0, 9), (0, 2), (0, 31), (2, 31), (0, 31), (0, 6)),
    ("read_add_write", "embedded"): _row((0, 2), (0, 11), (0, 25), (0, 11), (0, 2), (0, 43), (0, 43), (29, 43), (0, 7)),
    ("read_add_write", "sqlite"): _row((0, 2), (0, 11), (0, 25), (0, 11), (0, 2), (0, 43), (0, 43), (0, 43), (0, 7)),
    ("commit_in_vain", "embedded"): _row((0, 2), (0, 11), (0, 25), (1, 11), (0, 2), (0, 43), (0, 43), (0, 43), (0, 7)),
    ("commit_in_vain", "sqlite"): _row((0, 2), (0, 11), (0, 25), (1, 11), (0, 2), (0, 43), (0, 43), (0, 43), (0, 7)),
    ("second_chance", "embedded"): _row(
        (0, 2), (0, 16), (20, 51), (0, 16), (0, 2), (0, 111), (0, 111), (0, 111), (0, 11)
    ),
    ("second_chance", "sqlite"): _row(
        (0, 2), (0, 16), (20, 51), (0, 16), (0, 2), (0, 111), (0, 111), (0, 111), (0, 11)
    ),
    ("any_integrity_error", "embedded"): _row(
        (0, 2), (0, 11), (0, 25), (3, 11), (0, 2), (0, 43), (0, 43), (0, 43), (0, 7)
    ),
    ("any_integrity_error", "sqlite"): _row(
        (0, 2), (0, 11), (0, 25), (3, 11), (0, 2), (0, 43), (0, 43), (0, 43), (0, 7)
    ),
    ("short_memory", "embedded"): _row((1, 2), (0, 12), (0, 28), (0, 12), (0, 2), (0, 57), (0, 57), (0, 57), (0, 8)),
    ("short_memory", "sqlite"): _row((1, 2), (0, 12), (0, 28), (0, 12), (0, 2), (0, 57), (0, 57), (0, 57), (0, 8)),
}
REASONS: dict[str, set[str]] = {
    "naive": {DOUBLE, EARLY, PARTIAL},
    "check_then_act": {DOUBLE, EARLY, PARTIAL},
    "one_transaction_no_unique": {DOUBLE, PARTIAL},
    "on_conflict_first": {PARTIAL},
    "savepoint": {EARLY, LOST, PARTIAL},
    "outbox": {OUTBOUND_REPEATED, PARTIAL},
    "claim_first": {EARLY, LOST, PARTIAL},
    "swallow_exception": {LOST, PARTIAL},
    "any_row_is_done": {LOST, PARTIAL},
    "specified": set(),
    "random_key": {OUTBOUND_REPEATED, PARTIAL},
    "remembered_in_memory": {DOUBLE, EARLY, PARTIAL},
    "answers_first": {EARLY, LOST, PARTIAL},
    "shared_session": {PARTIAL},
    "read_add_write": {PARTIAL},
    "commit_in_vain": {LOST},
    "second_chance": {LOST},
    "any_integrity_error": {LOST},
    "short_memory": {DOUBLE},
}
