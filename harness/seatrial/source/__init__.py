"""The target's own source, read once: Python and Jinja, one parse per file, shared by every static rule.

Nothing of the target is imported. What is kept of a file is a few plain facts; its tree is dropped at once, so that a
code base of any size fits in memory.
"""
