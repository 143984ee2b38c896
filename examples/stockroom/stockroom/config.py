"""Settings, read from the environment and overridable by the factory's argument."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

MINIMUM_KEY_LENGTH = 32


def settings(overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    env = os.environ
    values: dict[str, Any] = {
        "SECRET_KEY": env.get("SECRET_KEY", ""),
        "SQLALCHEMY_DATABASE_URI": env.get("DATABASE_URL", "sqlite:///stockroom.db"),
        "PUBLIC_BASE_URL": env.get("PUBLIC_BASE_URL", "https://localhost"),
        "TRUSTED_HOSTS": _words(env.get("TRUSTED_HOSTS", "localhost,127.0.0.1")),
        "DEBUG": False,
        "MAX_CONTENT_LENGTH": 1024 * 1024,
        "MAX_FORM_PARTS": 200,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "SESSION_COOKIE_NAME": "__Host-stockroom",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_NAME": "__Host-remember",
        "REMEMBER_COOKIE_SECURE": True,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_DURATION": timedelta(days=14),
        "WTF_CSRF_TIME_LIMIT": 4 * 3600,
        "RATELIMIT_STORAGE_URI": env.get("RATELIMIT_STORAGE_URI", "memory://"),
        "RATELIMIT_STRATEGY": "moving-window",
        "RATELIMIT_HEADERS_ENABLED": True,
        "PASSWORD_HASH_METHOD": env.get("PASSWORD_HASH_METHOD", "scrypt"),
        "SEATRIAL_SLOW_STATEMENT_MS": int(env.get("SLOW_STATEMENT_MS", "100")),
        "SEATRIAL_TOKEN": env.get("SEATRIAL_TOKEN") or None,
        "SMTP_HOST": env.get("SMTP_HOST", ""),
        "SMTP_PORT": int(env.get("SMTP_PORT", "587")),
        "MAIL_SENDER": env.get("MAIL_SENDER", "stockroom@localhost"),
        "STRIPE_SECRET_KEY": env.get("STRIPE_SECRET_KEY", ""),
        "STRIPE_WEBHOOK_SECRET": env.get("STRIPE_WEBHOOK_SECRET", ""),
        "STRIPE_PRICES": {"team": env.get("STRIPE_PRICE_TEAM", ""), "business": env.get("STRIPE_PRICE_BUSINESS", "")},
        "OIDC_ISSUER": env.get("OIDC_ISSUER", ""),
        "OIDC_CLIENT_ID": env.get("OIDC_CLIENT_ID", ""),
        "OIDC_CLIENT_SECRET": env.get("OIDC_CLIENT_SECRET", ""),
    }
    given = dict(overrides or {})
    if "DATABASE_URL" in given:
        given.setdefault("SQLALCHEMY_DATABASE_URI", given["DATABASE_URL"])
    values.update(given)
    values["SQLALCHEMY_DATABASE_URI"] = database_url(str(values["SQLALCHEMY_DATABASE_URI"]))
    if len(values["SECRET_KEY"]) < MINIMUM_KEY_LENGTH:
        raise RuntimeError(f"SECRET_KEY must be set and have at least {MINIMUM_KEY_LENGTH} characters.")
    return values


def database_url(url: str) -> str:
    """Hosting providers write postgres://; the driver here is psycopg 3."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
