"""Recipes and production."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from stockroom import web
from stockroom.forms import BatchForm, IngredientForm, RecipeForm
from stockroom.services import purchasing, recipes
from stockroom.services.errors import ServiceError

bp = Blueprint("recipes", __name__, url_prefix="/recipes")


def detail_page(recipe_id: int, status: int = 200, message: str = "") -> ResponseReturnValue:
    recipe = recipes.recipe(web.organization_id(), recipe_id)
    form = IngredientForm()
    form.item_id.choices = [(row.id, row.name) for row in purchasing.item_choices(web.organization_id())]
    page = render_template("recipes/detail.html", recipe=recipe, form=form, batch=BatchForm(), message=message)
    return page, status


@bp.get("/")
@login_required
def index() -> ResponseReturnValue:
    return render_template("recipes/list.html", page=recipes.recipes(web.organization_id(), web.wanted_slice()))


@bp.get("/new")
@login_required
@web.needs("can_write")
def new() -> ResponseReturnValue:
    return render_template("form.html", form=RecipeForm(), title="New recipe")


@bp.post("/new")
@login_required
@web.needs("can_write")
def create() -> ResponseReturnValue:
    form = RecipeForm()
    if not form.validate_on_submit():
        return render_template("form.html", form=form, title="New recipe"), 400
    created = recipes.create_recipe(
        web.user(), form.name.data or "", form.yield_quantity.data or 1, form.instructions.data or ""
    )
    return redirect(url_for("recipes.detail", recipe_id=created.id))


@bp.get("/<int:recipe_id>")
@login_required
def detail(recipe_id: int) -> ResponseReturnValue:
    return detail_page(recipe_id)


@bp.post("/<int:recipe_id>/ingredients")
@login_required
@web.needs("can_write")
def add_ingredient(recipe_id: int) -> ResponseReturnValue:
    form = IngredientForm()
    if not form.validate_on_submit():
        return detail_page(recipe_id, 400, "Please check the item and the quantity.")
    try:
        recipes.add_ingredient(web.user(), recipe_id, form.item_id.data or 0, form.quantity.data or 0)
    except ServiceError as error:
        return detail_page(recipe_id, error.status, error.message)
    return redirect(url_for("recipes.detail", recipe_id=recipe_id))


@bp.post("/<int:recipe_id>/produce")
@login_required
@web.needs("can_write")
def produce(recipe_id: int) -> ResponseReturnValue:
    form = BatchForm()
    if not form.validate_on_submit():
        return detail_page(recipe_id, 400, "Please check the number of batches.")
    try:
        recipes.produce(web.user(), recipe_id, form.batches.data or 0)
    except ServiceError as error:
        return detail_page(recipe_id, error.status, error.message)
    return redirect(url_for("recipes.detail", recipe_id=recipe_id))
