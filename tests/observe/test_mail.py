"""Mails are caught on their way, whatever sends them, and nothing is left in place afterwards."""

import smtplib
import threading
from email.message import EmailMessage

import pytest

from seatrial.observe.mail import caught_mails

LINK = "https://app.test/reset/" + "a" * 90


def message() -> EmailMessage:
    found = EmailMessage()
    found["From"], found["To"], found["Subject"] = "app@app.test", "ann@app.test", "Your password"
    found.set_content(f"Grüße! {LINK}\n")
    found.add_alternative(f'<a href="{LINK}">Choose a new one</a>', subtype="html")
    return found


def plain() -> None:
    with smtplib.SMTP("mail.app.test", 587, timeout=1) as server:
        server.ehlo()
        server.starttls()
        server.login("app", "secret")
        server.send_message(message())


def old_style() -> None:
    server = smtplib.SMTP_SSL("mail.app.test")
    server.sendmail("app@app.test", ["ann@app.test"], message().as_string())
    server.quit()


def connected_later() -> None:
    server = smtplib.SMTP()
    server.connect("mail.app.test", 25)
    server.sendmail("app@app.test", "ann@app.test", message().as_bytes())
    server.close()


def in_a_thread() -> None:
    thread = threading.Thread(target=plain)
    thread.start()
    thread.join()


@pytest.mark.parametrize("send", [plain, old_style, connected_later, in_a_thread])
def test_every_way_of_sending(send: object) -> None:
    with caught_mails() as mails:
        send()  # type: ignore[operator]
    assert len(mails) == 1
    assert mails[0].count(LINK) == 2, "a long link is broken over lines by its encoding"


def test_what_is_no_message_is_kept_as_it_is() -> None:
    with caught_mails() as mails:
        smtplib.SMTP("mail.app.test").sendmail("a", "b", b"\xff\xfe")
    assert len(mails) == 1


def test_everything_is_put_back() -> None:
    before = dict(vars(smtplib.SMTP))
    with pytest.raises(RuntimeError), caught_mails():
        raise RuntimeError
    assert dict(vars(smtplib.SMTP)) == before
