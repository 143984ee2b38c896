import json

from flask import Blueprint, jsonify
from flask_login import login_required

from stockroom.clock import utcnow

bp = Blueprint("tools", __name__)


@bp.route("/api/server-time")
@login_required
def server_time():
    return jsonify({"now": utcnow().isoformat()})
