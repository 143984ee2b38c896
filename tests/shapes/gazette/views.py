"""What all views share."""

from flask import Blueprint
from flask_caching import Cache

cache = Cache()
flawed = Blueprint("flawed", __name__, url_prefix="/flawed")
sound = Blueprint("sound", __name__, url_prefix="/sound")
