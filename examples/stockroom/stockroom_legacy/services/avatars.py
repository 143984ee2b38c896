"""Pictures of people."""

import hashlib


def avatar_url(email: str) -> str:
    digest = hashlib.md5(email.lower().encode()).hexdigest()
    return f"/static/avatars/{digest}.png"
