"""The deployment is ready, it is the app, and it is the commit that was deployed."""

from seatrial.plugin.smoking import Smoking


def test_ready(seatrial_smoked: Smoking) -> None:
    seatrial_smoked.holds("SMK001")


def test_commit(seatrial_smoked: Smoking) -> None:
    seatrial_smoked.holds("SMK004")
