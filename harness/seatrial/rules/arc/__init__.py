"""ARC: the structure of routes: short, thin, without calls to the outside, without links that lead nowhere.

All of them judge the source (`seatrial.source` reads it); where the app was built, its url map has the last word.
"""

from seatrial.rules.arc.reach import concrete_dependency, database_in_route, external_call_in_route
from seatrial.rules.arc.signature import service_signature_changed
from seatrial.rules.arc.urls import dangling_endpoint, duplicate_route
from seatrial.rules.arc.views import route_not_thin, routes_too_long, unvalidated_body
from seatrial.rules.arc.writes import write_outside_service

__all__ = [
    "concrete_dependency",
    "dangling_endpoint",
    "database_in_route",
    "duplicate_route",
    "external_call_in_route",
    "route_not_thin",
    "routes_too_long",
    "service_signature_changed",
    "unvalidated_body",
    "write_outside_service",
]
