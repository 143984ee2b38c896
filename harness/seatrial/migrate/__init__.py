"""Indexes on live databases: what is planned, what is there, and how the one becomes the other without stalling writes.

The catalog of the database is the truth, never the version table: every step looks at what is there and does what is
missing, so that it can be run again after any failure.
"""
