"""Statistics behind the verdicts: pure functions over numbers."""
