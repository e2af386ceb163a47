"""Settings survive the way to TOML and back; mistakes are named."""

from dataclasses import dataclass, field

import pytest

from spikeloop.errors import BadFileError, InvalidInputError
from spikeloop.io.config import plain, read_config, write_config


@dataclass(frozen=True)
class Window:
    window_s: tuple[float, float] = (0.0, 0.25)


@dataclass(frozen=True)
class Settings:
    name: str = 'a "quoted" é name'
    level: float | None = None
    window: Window = field(default_factory=Window)


@pytest.mark.parametrize(
    "settings", [Settings(), Settings("x", 0.5, Window((-1.0, 2.5))), Settings(level=1e-9)]
)
def test_round_trip(tmp_path, settings):
    write_config(tmp_path / "config.toml", settings)
    assert read_config(tmp_path / "config.toml", Settings) == settings


def test_what_is_left_out_keeps_its_default(tmp_path):
    (tmp_path / "c.toml").write_text("[window]\nwindow_s = [0, 1]\n")
    assert read_config(tmp_path / "c.toml", Settings).window.window_s == (0.0, 1.0)
    assert plain(Settings()) == {"name": 'a "quoted" é name', "window": {"window_s": [0.0, 0.25]}}


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("lvel = 1", InvalidInputError, r"there is no setting lvel\. Did you mean level\?"),
        ("[window]\nwidth = 1", InvalidInputError, r"no setting window\.width\. Known: window_s"),
        ("[window]\nwindow_s = [1]", InvalidInputError, r"window\.window_s.* Correct this setting"),
        ("level = 'high'", InvalidInputError, "level = 'high'"),
        ("level = ", BadFileError, "is not a TOML file"),
    ],
)
def test_mistakes_are_named(tmp_path, text, error, message):
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(error, match=message):
        read_config(tmp_path / "c.toml", Settings)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(BadFileError, match=r"there is no such file\. Check --config"):
        read_config(tmp_path / "none.toml", Settings)
