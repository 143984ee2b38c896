"""`Idempotency-Key` for endpoints (draft-ietf-httpapi-idempotency-key-header).

    from seatrial.kit.idempotency import IdempotencyKeys

    keys = IdempotencyKeys(db.session, db.metadata, owner=lambda: current_user.get_id())

    @bp.post("/api/payments")
    @login_required
    @keys.protect(required=True)
    def create_payment() -> ResponseReturnValue: ...

docs/webhooks.md is its page.
"""

from seatrial.kit.idempotency.header import KeyMalformed, KeyMissing
from seatrial.kit.idempotency.keys import IdempotencyKeys, KeyInFlight, KeyReused
from seatrial.kit.idempotency.table import idempotency_keys_table

__all__ = ["IdempotencyKeys", "KeyInFlight", "KeyMalformed", "KeyMissing", "KeyReused", "idempotency_keys_table"]
