"""Items, lots and categories."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from stockroom import web
from stockroom.forms import EmptyForm, ItemForm, NameForm, QuantityForm, ReceiveForm
from stockroom.services import inventory, reports
from stockroom.services.errors import ServiceError

bp = Blueprint("items", __name__)


def item_data(form: ItemForm) -> inventory.ItemData:
    return inventory.ItemData(
        name=form.name.data or "",
        unit=form.unit.data or "",
        reorder_level=form.reorder_level.data or 0,
        category_id=form.category_id.data,
        supplier_id=form.supplier_id.data,
        location_id=form.location_id.data,
        notes=form.notes.data or "",
    )


def item_form(form: ItemForm, title: str, status: int = 200) -> ResponseReturnValue:
    choices = inventory.choices(web.organization_id())
    form.category_id.choices = [("", "none"), *((row.id, row.name) for row in choices.categories)]
    form.supplier_id.choices = [("", "none"), *((row.id, row.name) for row in choices.suppliers)]
    form.location_id.choices = [("", "none"), *((row.id, row.code) for row in choices.locations)]
    return render_template("form.html", form=form, title=title), status


def item_page(item_id: int, status: int = 200, message: str = "") -> ResponseReturnValue:
    item = inventory.item(web.organization_id(), item_id)
    forms = {"receive": ReceiveForm(), "consume": QuantityForm(), "archive": EmptyForm()}
    return render_template("items/detail.html", item=item, forms=forms, message=message), status


@bp.get("/items/")
@login_required
def index() -> ResponseReturnValue:
    text = web.query_text("q")
    category_id = web.query_int("category", 0, 1, web.LARGEST_ID) or None
    page = inventory.items(web.organization_id(), web.wanted_slice(), text, category_id)
    return render_template("items/list.html", page=page, text=text)


@bp.get("/items/expiring")
@login_required
def expiring() -> ResponseReturnValue:
    page = inventory.expiring(web.organization_id(), reports.soon(), web.wanted_slice())
    return render_template("items/expiring.html", page=page)


@bp.get("/items/new")
@login_required
@web.needs("can_write")
def new() -> ResponseReturnValue:
    return item_form(ItemForm(), "New item")


@bp.post("/items/new")
@login_required
@web.needs("can_write")
def create() -> ResponseReturnValue:
    form = ItemForm()
    if not form.validate_on_submit():
        return item_form(form, "New item", 400)
    created = inventory.create_item(web.user(), item_data(form))
    return redirect(url_for("items.detail", item_id=created.id))


@bp.get("/items/<int:item_id>")
@login_required
def detail(item_id: int) -> ResponseReturnValue:
    return item_page(item_id)


@bp.get("/items/<int:item_id>/edit")
@login_required
@web.needs("can_write")
def edit(item_id: int) -> ResponseReturnValue:
    return item_form(ItemForm(obj=inventory.item(web.organization_id(), item_id, lots=False)), "Edit item")


@bp.post("/items/<int:item_id>/edit")
@login_required
@web.needs("can_write")
def update(item_id: int) -> ResponseReturnValue:
    form = ItemForm()
    if not form.validate_on_submit():
        return item_form(form, "Edit item", 400)
    inventory.update_item(web.user(), item_id, item_data(form))
    return redirect(url_for("items.detail", item_id=item_id))


@bp.post("/items/<int:item_id>/receive")
@login_required
@web.needs("can_write")
def receive(item_id: int) -> ResponseReturnValue:
    form = ReceiveForm()
    if not form.validate_on_submit():
        return item_page(item_id, 400, "Please check the quantity, the cost and the date.")
    inventory.receive(web.user(), item_id, form.quantity.data or 0, form.unit_cost_cents.data or 0, form.expires.data)
    return redirect(url_for("items.detail", item_id=item_id))


@bp.post("/items/<int:item_id>/consume")
@login_required
@web.needs("can_write")
def consume(item_id: int) -> ResponseReturnValue:
    form = QuantityForm()
    if not form.validate_on_submit():
        return item_page(item_id, 400, "Please check the quantity.")
    try:
        inventory.consume(web.user(), item_id, form.quantity.data or 0)
    except ServiceError as error:
        return item_page(item_id, error.status, error.message)
    return redirect(url_for("items.detail", item_id=item_id))


@bp.post("/items/<int:item_id>/archive")
@login_required
@web.needs("can_write")
def archive(item_id: int) -> ResponseReturnValue:
    inventory.archive_item(web.user(), item_id)
    return redirect(url_for("items.index"))


@bp.get("/items/<int:item_id>/history")
@login_required
def history(item_id: int) -> ResponseReturnValue:
    item = inventory.item(web.organization_id(), item_id, lots=False)
    page = inventory.lots(web.organization_id(), item_id, web.wanted_slice())
    return render_template("items/history.html", item=item, page=page)


@bp.get("/categories/")
@login_required
def categories() -> ResponseReturnValue:
    page = inventory.category_sizes(web.organization_id(), web.wanted_slice())
    return render_template("items/categories.html", page=page, form=NameForm())


@bp.post("/categories/")
@login_required
@web.needs("can_write")
def add_category() -> ResponseReturnValue:
    form = NameForm()
    if not form.validate_on_submit():
        page = inventory.category_sizes(web.organization_id(), web.wanted_slice())
        return render_template("items/categories.html", page=page, form=form), 400
    inventory.add_category(web.user(), form.name.data or "")
    return redirect(request.path)
