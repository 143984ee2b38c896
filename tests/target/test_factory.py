"""How a factory is called, from its signature."""

from typing import Any

import pytest

from seatrial.target.factory import _guess


class Config:
    pass


def nothing(): ...
def optional_dict(config=None): ...
def annotated_dict(settings: dict[str, Any] | None = None): ...
def as_in_the_tutorial(test_config=None): ...
def keywords(**config): ...
def by_name(config_name="default"): ...
def by_required_name(env): ...
def by_class(config_class=Config): ...
def by_required_class(config_object): ...
def unrelated(debug=False): ...
def required(anything): ...


@pytest.mark.parametrize(
    ("factory", "kind"),
    [
        (nothing, "none"),
        (optional_dict, "dict"),
        (annotated_dict, "dict"),
        (as_in_the_tutorial, "dict"),
        (keywords, "kwargs"),
        (by_name, "none"),  # its own default names a configuration that holds more than ours
        (by_required_name, "string"),
        (by_class, "none"),
        (by_required_class, "class"),
        (unrelated, "none"),
        (required, "dict"),
    ],
)
def test_guess(factory, kind: str) -> None:
    assert _guess(factory) == kind
