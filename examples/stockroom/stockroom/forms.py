"""The forms. Numbers are bounded by what the columns and their sums can hold."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import AnyOf, EqualTo, InputRequired, Length, NumberRange, Optional, Regexp

LARGEST_QUANTITY = 1_000_000
LARGEST_PRICE = 100_000_000
EMAIL = r"^[^@\s]{1,64}@[^@\s]{1,180}\.[^@\s.]{2,24}$"


def strip(value: str | None) -> str | None:
    return value.strip() if value else value


def optional_id(value: Any) -> int | None:
    text = str(value or "")
    if not text or text == "None":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValueError("Not a valid choice.")
    return int(text)


def text_field(label: str, longest: int) -> StringField:
    return StringField(label, filters=[strip], validators=[InputRequired(), Length(1, longest)])


def number_field(label: str, low: int, high: int, default: int = 0) -> IntegerField:
    return IntegerField(label, default=default, validators=[InputRequired(), NumberRange(low, high)])


def choice_field(label: str) -> SelectField:
    return SelectField(label, coerce=optional_id, choices=[], validate_choice=False)


class Form(FlaskForm):
    class Meta(FlaskForm.Meta):
        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """A form is a form: Flask-WTF would also take any JSON value, and fail on most."""
            return request.form if request.method == "POST" else None


class EmptyForm(Form):
    """A button."""


class LoginForm(Form):
    username = StringField("User name", filters=[strip], validators=[InputRequired(), Length(max=60)])
    password = PasswordField("Password", validators=[InputRequired(), Length(max=200)])
    remember = BooleanField("Keep me logged in")


class ForgotForm(Form):
    email = EmailField("E-mail", filters=[strip], validators=[InputRequired(), Regexp(EMAIL)])


class NewPasswordForm(Form):
    password = PasswordField("New password", validators=[InputRequired(), Length(12, 200)])
    repeat = PasswordField("Once more", validators=[EqualTo("password")])


class ChangePasswordForm(NewPasswordForm):
    current = PasswordField("Current password", validators=[InputRequired(), Length(max=200)])


class ItemForm(Form):
    name = text_field("Name", 120)
    unit = text_field("Unit", 12)
    reorder_level = number_field("Reorder below", 0, LARGEST_QUANTITY)
    category_id = choice_field("Category")
    supplier_id = choice_field("Supplier")
    location_id = choice_field("Location")
    notes = TextAreaField("Notes", default="", validators=[Length(max=2000)])


class ReceiveForm(Form):
    quantity = number_field("Quantity", 1, LARGEST_QUANTITY, 1)
    unit_cost_cents = number_field("Unit cost (cents)", 0, LARGEST_PRICE)
    expires = DateField("Best before", validators=[Optional()])


class QuantityForm(Form):
    quantity = number_field("Quantity", 1, LARGEST_QUANTITY, 1)


class NameForm(Form):
    name = text_field("Name", 80)


class SupplierForm(Form):
    name = text_field("Name", 120)
    email = EmailField("E-mail", default="", filters=[strip], validators=[Optional(), Regexp(EMAIL)])
    lead_days = number_field("Lead time in days", 0, 365, 7)


class WarehouseForm(Form):
    name = text_field("Name", 120)
    city = StringField("City", default="", filters=[strip], validators=[Length(max=80)])


class LocationForm(Form):
    code = text_field("Code", 30)


class ProductForm(Form):
    name = text_field("Name", 120)
    description = TextAreaField("Description", default="", validators=[Length(max=2000)])


class SkuForm(Form):
    code = text_field("Code", 40)
    label = text_field("Label", 120)
    price_cents = number_field("Price (cents)", 0, LARGEST_PRICE)


class SkuAdjustForm(Form):
    change = number_field("Change", -LARGEST_QUANTITY, LARGEST_QUANTITY, 1)
    reason = SelectField("Reason", choices=["count", "sale", "spoilage"])


class RecipeForm(Form):
    name = text_field("Name", 120)
    yield_quantity = number_field("Yield", 1, LARGEST_QUANTITY, 1)
    instructions = TextAreaField("Instructions", default="", validators=[Length(max=4000)])


class IngredientForm(Form):
    item_id = choice_field("Item")
    quantity = number_field("Quantity", 1, LARGEST_QUANTITY, 1)


class BatchForm(Form):
    batches = number_field("Batches", 1, 1000, 1)


class OrderForm(Form):
    supplier_id = choice_field("Supplier")
    reference = text_field("Reference", 40)


class OrderLineForm(Form):
    item_id = choice_field("Item")
    quantity = number_field("Quantity", 1, LARGEST_QUANTITY, 1)
    unit_cost_cents = number_field("Unit cost (cents)", 0, LARGEST_PRICE)


class InviteForm(Form):
    username = StringField("User name", filters=[strip], validators=[InputRequired(), Regexp(r"^[a-z0-9._-]{3,60}$")])
    email = EmailField("E-mail", filters=[strip], validators=[InputRequired(), Regexp(EMAIL)])
    full_name = text_field("Name", 120)
    role_id = choice_field("Role")


class RoleForm(Form):
    role_id = choice_field("Role")


class ThemeForm(Form):
    theme = SelectField("Theme", choices=["light", "dark"])


class PlanForm(Form):
    plan = StringField("Plan", validators=[InputRequired(), AnyOf(["team", "business"])])
