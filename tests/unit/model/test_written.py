"""What was read from files is what it says, not where it says so."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.model.app import App, Location
from fairway.settings.model import EnvironmentSettings, Settings

HERE = {("name",): Location("a.yaml", 1)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (App(name="shop", services={}), App(name="post", services={})),
        (Settings(environments={}), Settings(environments={"production": EnvironmentSettings()})),
    ],
)
def test_equal_wherever_it_was_written(one: App | Settings, other: App | Settings) -> None:
    assert replace(one, locations=HERE) == one != other
    with pytest.raises(TypeError):
        hash(one)


def test_what_has_no_place_of_its_own() -> None:
    app = App(name="shop", services={}, directory="/srv/shop", locations=HERE)
    assert app.where("name", "more") == HERE["name",]
    assert app.where("other") == Location("/srv/shop")
    assert Settings(environments={}, file="f.yaml").where("app") == Location("f.yaml")


def test_an_application_is_no_settings() -> None:
    assert App(name="shop", services={}) != Settings(environments={})
