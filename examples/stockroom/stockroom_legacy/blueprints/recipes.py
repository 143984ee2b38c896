from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user, login_required
from sqlalchemy.orm import joinedload, selectinload

from stockroom.extensions import db
from stockroom.models import Recipe, RecipeIngredient

bp = Blueprint("recipes", __name__, url_prefix="/recipes")


@bp.route("/")
@login_required
def index():
    rows = (
        Recipe.query.filter_by(organization_id=current_user.organization_id)
        .options(selectinload(Recipe.ingredients))
        .order_by(Recipe.name)
        .limit(100)
        .all()
    )
    return render_template("recipes/list.html", recipes=rows)


@bp.route("/<int:recipe_id>")
@login_required
def detail(recipe_id):
    recipe = (
        Recipe.query.filter_by(id=recipe_id, organization_id=current_user.organization_id)
        .options(selectinload(Recipe.ingredients).joinedload(RecipeIngredient.item))
        .first_or_404()
    )
    return render_template("recipes/detail.html", recipe=recipe)


@bp.route("/<int:recipe_id>/copy", methods=["POST"])
@login_required
def copy(recipe_id):
    recipe = (
        Recipe.query.filter_by(id=recipe_id, organization_id=current_user.organization_id)
        .options(joinedload(Recipe.sku), selectinload(Recipe.ingredients))
        .first_or_404()
    )
    name = f"{recipe.name[:100]} (copy)"
    if Recipe.query.filter_by(organization_id=recipe.organization_id, name=name).first():
        flash("There is a copy already.")
        return redirect(url_for("recipes.index"))
    copied = Recipe(organization_id=recipe.organization_id, name=name, yield_quantity=recipe.yield_quantity)
    copied.ingredients = [
        RecipeIngredient(inventory_item_id=line.inventory_item_id, quantity=line.quantity)
        for line in recipe.ingredients
    ]
    db.session.add(copied)
    db.session.commit()
    return redirect(url_for("recipes.index"))
