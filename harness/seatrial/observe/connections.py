"""TEMPORARY STUB of the lead so that others can run; overwrite freely."""
import sqlalchemy as sa
class _C:
    refused: list = []
def confine(url):
    return _C()
def same_database(a, b):
    a, b = sa.make_url(a), sa.make_url(b)
    return (a.host, a.port, a.database) == (b.host, b.port, b.database)
