"""Random values for variables that sign things: of the shape that is expected, worth nothing outside a trial."""

import base64
import re
import secrets

from seatrial.scaffold.variables import Need, Reading

# What the app signs its own things with. Keys of other people's services are not ours to make up.
_OWN = re.compile(
    r"((FLASK|APP|SESSION|CSRF|WTF_CSRF|JWT|SECURITY|COOKIE|TOKEN|HASHIDS?)_)*"
    r"(SECRET|SECRET_KEY|SALT|PASSWORD_SALT|SIGNING_KEY|PEPPER|CSRF_SECRET|CSRF_KEY|JWT_KEY)"
)
_OURS_BY_PURPOSE = frozenset(
    {"SECRET_KEY", "secret_key", "JWT_SECRET_KEY", "SECURITY_PASSWORD_SALT", "WTF_CSRF_SECRET_KEY"}
)
_ENCRYPTS = re.compile(r"FERNET|ENCRYPT")
_SECRET = re.compile(r"SECRET|TOKEN|PASSW|API_?KEY|PRIVATE|CREDENTIAL|SALT|_KEY$")


def is_own_secret(reading: Reading) -> bool:
    """Whether the variable signs or encrypts the app's own sessions and tokens."""
    name = reading.name.upper()
    if reading.purpose in _OURS_BY_PURPOSE:
        return True
    return bool(_OWN.fullmatch(name) or (_ENCRYPTS.search(name) and name.endswith(("KEY", "SECRET"))))


def secret(reading: Reading) -> str:
    """A random value for a secret of the app's own, whether or not it has a default."""
    if _ENCRYPTS.search(reading.name.upper()):
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_hex(20)


def value_for(reading: Reading) -> str | None:
    """A random value where one can be made up and the source shows no default; None leaves the variable alone."""
    name = reading.name.upper()
    if reading.part:
        return None
    if reading.need is Need.DEFAULT:
        # A default that is computed (`get_secret("SECRET_KEY")`) may come to nothing, and Flask refuses that late.
        return secret(reading) if is_own_secret(reading) and not reading.default else None
    if "STRIPE" in name and "WEBHOOK" in name:
        return f"whsec_{secrets.token_hex(16)}"
    if "STRIPE" in name and "SECRET" in name:
        return f"sk_test_{secrets.token_hex(12)}"
    if is_own_secret(reading):
        return secret(reading)
    if "WEBHOOK" in name and "SECRET" in name:
        return secrets.token_hex(20)
    # A credential without which the app does not even start. Nothing is sent with it: outbound calls are refused.
    return f"trial-{secrets.token_hex(12)}" if reading.need is Need.REQUIRED and _SECRET.search(name) else None
