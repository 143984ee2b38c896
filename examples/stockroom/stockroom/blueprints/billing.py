"""The plan, the checkout and the webhook of the payment provider."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_login import login_required
from seatrial.kit.ports import PaymentPort, ports
from seatrial.kit.webhooks import receive

from stockroom import web
from stockroom.extensions import csrf
from stockroom.forms import PlanForm
from stockroom.services import billing
from stockroom.services.errors import InvalidInput

bp = Blueprint("billing", __name__, url_prefix="/billing")


@bp.get("/")
@login_required
def index() -> ResponseReturnValue:
    subscription = billing.subscription(web.organization_id())
    return render_template("billing.html", subscription=subscription, form=PlanForm(), plans=billing.PLANS[1:])


@bp.post("/checkout")
@login_required
@web.needs("can_manage")
def checkout() -> ResponseReturnValue:
    form = PlanForm()
    if not form.validate_on_submit():
        raise InvalidInput("No such plan.", {"plan": "Unknown."})
    plan = form.plan.data or ""
    price = current_app.config["STRIPE_PRICES"].get(plan, plan)
    url = billing.start_checkout(web.user(), plan, price, web.public_url("billing.index"), ports().get(PaymentPort))
    return redirect(url, 303)


@bp.post("/webhooks/stripe")
@csrf.exempt
def stripe_webhook() -> ResponseReturnValue:
    return receive(billing.events)
