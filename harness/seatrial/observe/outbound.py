"""TEMPORARY STUB of the lead so that others can run; overwrite freely."""
from contextlib import contextmanager
class StandIn:
    def __init__(self, *a): pass
def install(**k): pass
@contextmanager
def outbound_calls():
    yield []
