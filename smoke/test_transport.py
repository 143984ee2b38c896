"""The certificate, and what http answers."""

from seatrial.plugin.smoking import Smoking


def test_tls(seatrial_smoked: Smoking) -> None:
    seatrial_smoked.holds("SMK005")


def test_http_leads_to_https(seatrial_smoked: Smoking) -> None:
    seatrial_smoked.holds("HDR013")
