"""Every route answers as it should, in time, with its content, and with its statements."""

from seatrial.plugin.smoking import Smoking


def test_statuses(seatrial_smoked: Smoking) -> None:
    seatrial_smoked.holds("SMK002")


def test_contents(seatrial_smoked: Smoking) -> None:
    seatrial_smoked.holds("SMK003")


def test_statements(seatrial_smoked: Smoking) -> None:
    seatrial_smoked.holds("SMK008")


def test_times(seatrial_smoked: Smoking) -> None:
    seatrial_smoked.holds("SMK009")


def test_static_files(seatrial_smoked: Smoking) -> None:
    seatrial_smoked.holds("SMK006")
