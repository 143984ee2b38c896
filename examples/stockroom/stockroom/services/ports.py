"""What the services need from the outside world; the adapters are in `stockroom.gateways`.

Payments are behind the kit's own port.
"""

from __future__ import annotations

from typing import Protocol


class Mailer(Protocol):
    def send(self, to: str, subject: str, text: str) -> None: ...
