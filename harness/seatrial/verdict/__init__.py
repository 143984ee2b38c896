"""From findings to a verdict: baseline, budgets, exit code. Imports `model` only."""
