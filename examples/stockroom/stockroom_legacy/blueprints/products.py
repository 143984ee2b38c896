from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from sqlalchemy.orm import joinedload, selectinload

from stockroom.extensions import db
from stockroom.models import Product, ProductSku, ProductSkuHistory
from stockroom_legacy.services.stock import log_action

bp = Blueprint("products", __name__, url_prefix="/products")


@bp.route("/", methods=["GET", "POST"])
@login_required
def index():
    if request.method == "POST":
        name = request.form.get("name", "").strip()[:120]
        if not name:
            flash("A name, please.")
            return redirect(url_for("products.index"))
        db.session.add(Product(organization_id=current_user.organization_id, name=name))
        log_action(current_user, "product.create", name)
        db.session.commit()
        return redirect(url_for("products.index"))
    rows = (
        Product.query.filter_by(organization_id=current_user.organization_id)
        .options(selectinload(Product.skus))
        .order_by(Product.name)
        .limit(100)
        .all()
    )
    return render_template("products/list.html", products=rows)


@bp.route("/<int:product_id>")
@login_required
def detail(product_id):
    product = (
        Product.query.filter_by(id=product_id, organization_id=current_user.organization_id)
        .options(selectinload(Product.skus))
        .first_or_404()
    )
    page = render_template("products/detail.html", product=product)
    log_action(current_user, "product.view", product.name)
    db.session.commit()
    return page


@bp.route("/skus/<int:sku_id>")
@login_required
def sku(sku_id):
    row = (
        ProductSku.query.filter_by(id=sku_id, organization_id=current_user.organization_id)
        .options(joinedload(ProductSku.product))
        .first_or_404()
    )
    history = (
        ProductSkuHistory.query.filter_by(sku_id=row.id).order_by(ProductSkuHistory.timestamp.desc()).limit(50).all()
    )
    return render_template("products/sku.html", sku=row, history=history)
