"""Every table of Stockroom."""

from stockroom.models.audit import AuditLog
from stockroom.models.billing import StripeEvent, Subscription
from stockroom.models.inventory import Category, InventoryHistory, InventoryItem
from stockroom.models.organization import OAuthIdentity, Organization, PasswordResetToken, Role, User
from stockroom.models.product import Product, ProductSku, ProductSkuHistory
from stockroom.models.purchasing import PurchaseOrder, PurchaseOrderLine, Supplier
from stockroom.models.recipe import Recipe, RecipeIngredient
from stockroom.models.warehouse import Location, Warehouse

__all__ = [
    "AuditLog",
    "Category",
    "InventoryHistory",
    "InventoryItem",
    "Location",
    "OAuthIdentity",
    "Organization",
    "PasswordResetToken",
    "Product",
    "ProductSku",
    "ProductSkuHistory",
    "PurchaseOrder",
    "PurchaseOrderLine",
    "Recipe",
    "RecipeIngredient",
    "Role",
    "StripeEvent",
    "Subscription",
    "Supplier",
    "User",
    "Warehouse",
]
