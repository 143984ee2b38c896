"""Recipes and production runs."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from stockroom.extensions import db
from stockroom.models import InventoryItem, Recipe, RecipeIngredient, User
from stockroom.services import audit, catalog, inventory
from stockroom.services.errors import Conflict, InvalidInput, NotFound
from stockroom.services.paging import Page, Slice, paginate


def recipes(organization_id: int, wanted: Slice) -> Page[Recipe]:
    statement = select(Recipe).where(Recipe.organization_id == organization_id).order_by(Recipe.name)
    return paginate(Recipe, statement, wanted, joinedload(Recipe.sku), selectinload(Recipe.ingredients))


def recipe(organization_id: int, recipe_id: int) -> Recipe:
    found = db.session.scalar(
        select(Recipe)
        .where(Recipe.id == recipe_id, Recipe.organization_id == organization_id)
        .options(
            joinedload(Recipe.sku),
            selectinload(Recipe.ingredients).joinedload(RecipeIngredient.item).selectinload(InventoryItem.lots),
        )
    )
    if found is None:
        raise NotFound("No such recipe.")
    return found


def create_recipe(user: User, name: str, yield_quantity: int, instructions: str) -> Recipe:
    created = Recipe(
        organization_id=user.organization_id, name=name, yield_quantity=yield_quantity, instructions=instructions
    )
    db.session.add(created)
    audit.record(user, "recipe.create", name)
    _commit("There is a recipe of this name.")
    return created


def add_ingredient(user: User, recipe_id: int, item_id: int, quantity: int) -> RecipeIngredient:
    found = recipe(user.organization_id, recipe_id)
    known = db.session.scalar(
        select(InventoryItem.id).where(
            InventoryItem.id == item_id, InventoryItem.organization_id == user.organization_id
        )
    )
    if known is None:
        raise InvalidInput("No such item.", {"item_id": "Unknown."})
    ingredient = RecipeIngredient(recipe_id=found.id, inventory_item_id=item_id, quantity=quantity)
    db.session.add(ingredient)
    audit.record(user, "recipe.ingredient", found.name)
    _commit("The recipe uses this item already.")
    return ingredient


def produce(user: User, recipe_id: int, batches: int) -> None:
    """Uses the ingredients, oldest lots first, and books the SKU in one transaction."""
    found = recipe(user.organization_id, recipe_id)
    if not found.ingredients:
        raise Conflict("The recipe has no ingredients.")
    inventory.take_fifo(
        user.organization_id, {line.inventory_item_id: line.quantity * batches for line in found.ingredients}
    )
    if found.sku is not None:
        catalog.record_movement(found.sku, found.yield_quantity * batches, "production")
    audit.record(user, "recipe.produce", f"{batches} x {found.name}")
    db.session.commit()


def _commit(message: str) -> None:
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise Conflict(message) from error
