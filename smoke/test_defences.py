"""The defences are on: headers, cookies, errors, tokens, limits, signatures, and no debugger."""

import pytest

from seatrial.plugin.smoking import Smoking


@pytest.mark.parametrize("family", ["HDR", "CKE", "ERR", "CFG"])
def test_answers(seatrial_smoked: Smoking, family: str) -> None:
    seatrial_smoked.holds(family)


def test_csrf(seatrial_smoked: Smoking) -> None:
    seatrial_smoked.holds("SMK010")


def test_limit(seatrial_smoked: Smoking) -> None:
    seatrial_smoked.holds("SMK011")


def test_webhooks(seatrial_smoked: Smoking) -> None:
    seatrial_smoked.holds("SMK007")
