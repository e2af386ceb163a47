"""Settings to and from TOML: one frozen dataclass is the Python call, the file and the flags."""

import difflib
import tomllib
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from spikeloop.errors import BadFileError, InvalidInputError

Config = TypeVar("Config")


def read_config(path: Path, config_type: type[Config]) -> Config:
    """Read a TOML file into `config_type`, a frozen dataclass that may hold others.

    Settings that the file leaves out keep their defaults.

    Raises
    ------
    BadFileError
        The file is missing or not TOML.
    InvalidInputError
        A setting is unknown (the nearest known one is named) or of the wrong type.
    """
    try:
        given = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadFileError(f"{path}: there is no such file. Check --config.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadFileError(f"{path} is not a TOML file: {error}") from None
    _refuse_unknown(given, config_type, str(path), prefix="")
    return _validated(given, config_type, str(path))


def write_config(path: Path, config: object) -> None:
    """Write a config as TOML; settings that are None are left out."""
    import tomli_w

    Path(path).write_text(tomli_w.dumps(plain(config)), encoding="utf-8")


def plain(config: object) -> dict[str, Any]:
    """Return a config as nested dictionaries of what TOML and JSON know, without None.

    >>> from spikeloop.data import Epochs
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Window:
    ...     window_s: tuple[float, float] = (0.0, 0.25)
    ...     label: str | None = None
    >>> plain(Window())
    {'window_s': [0.0, 0.25]}
    """
    return _plain(asdict(config))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _validated(given: dict[str, Any], config_type: type[Config], where: str) -> Config:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(config_type).validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(
            f"{where}: {name} = {first['input']!r}: {first['msg']}. Correct this setting."
        ) from None


def _refuse_unknown(given: dict[str, Any], config_type: type, where: str, prefix: str) -> None:
    types = get_type_hints(config_type)
    known = [field.name for field in fields(config_type)]
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            advice = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
            raise InvalidInputError(f"{where}: there is no setting {prefix}{name}. {advice}")
        if is_dataclass(types[name]) and isinstance(value, dict):
            _refuse_unknown(value, types[name], where, f"{prefix}{name}.")
