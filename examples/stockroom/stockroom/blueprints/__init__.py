"""The routes: parse, call a service, answer."""

from __future__ import annotations

from flask import Flask

from stockroom.blueprints import (
    api,
    auth,
    billing,
    dashboard,
    inventory,
    oauth,
    orders,
    products,
    recipes,
    reports,
    suppliers,
    team,
    warehouses,
)


def register_blueprints(app: Flask) -> None:
    for module in (
        api,
        auth,
        billing,
        dashboard,
        inventory,
        oauth,
        orders,
        products,
        recipes,
        reports,
        suppliers,
        team,
        warehouses,
    ):
        app.register_blueprint(module.bp)
