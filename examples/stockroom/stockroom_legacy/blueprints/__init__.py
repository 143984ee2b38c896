from stockroom_legacy.blueprints import (
    api,
    auth,
    billing,
    dashboard,
    imports,
    inventory,
    oauth,
    orders,
    products,
    recipes,
    reports,
    settings,
    suppliers,
    tools,
    warehouses,
)


def register_blueprints(app):
    app.register_blueprint(api.api_bp)
    app.register_blueprint(auth.bp)
    app.register_blueprint(oauth.bp)
    app.register_blueprint(billing.bp)
    app.register_blueprint(dashboard.bp)
    app.register_blueprint(imports.bp)
    app.register_blueprint(inventory.bp)
    app.register_blueprint(orders.bp)
    app.register_blueprint(products.bp)
    app.register_blueprint(recipes.bp)
    app.register_blueprint(reports.bp)
    app.register_blueprint(settings.bp)
    app.register_blueprint(suppliers.bp)
    app.register_blueprint(tools.bp)
    app.register_blueprint(warehouses.bp)
