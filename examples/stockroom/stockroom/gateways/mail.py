"""Mail over SMTP, or into the log where no server is configured."""

from __future__ import annotations

import logging
import smtplib
from email.message import EmailMessage

log = logging.getLogger(__name__)


class SmtpMailer:
    def __init__(self, host: str, port: int, sender: str) -> None:
        self._host, self._port, self._sender = host, port, sender

    def send(self, to: str, subject: str, text: str) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, subject
        message.set_content(text)
        try:
            with smtplib.SMTP(self._host, self._port, timeout=10) as server:
                server.starttls()
                server.send_message(message)
        except OSError:
            log.exception("Mail %r could not be sent", subject)


class LogMailer:
    def send(self, to: str, subject: str, text: str) -> None:
        log.info("Mail to %s: %s (%d characters)", to, subject, len(text))
