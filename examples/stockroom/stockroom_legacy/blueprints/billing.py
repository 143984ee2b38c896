from flask import Blueprint, current_app, jsonify, render_template, request
from flask_login import current_user, login_required

from stockroom.models import Subscription
from stockroom_legacy.extensions import csrf
from stockroom_legacy.services import stripe_events

bp = Blueprint("billing", __name__, url_prefix="/billing")


@bp.route("/")
@login_required
def index():
    subscription = Subscription.query.filter_by(organization_id=current_user.organization_id).first()
    return render_template("billing.html", subscription=subscription)


@bp.route("/webhooks/stripe", methods=["POST"])
@csrf.exempt
def stripe_webhook():
    payload = request.get_data()
    header = request.headers.get("Stripe-Signature")
    secret = current_app.config["STRIPE_WEBHOOK_SECRET"]
    if not header or not stripe_events.verify_signature(payload, header, secret):
        return jsonify({"success": False, "error": "bad signature"}), 400
    return jsonify({"success": True, "result": stripe_events.handle_event(payload)})
