"""Every example is short, runs, and writes its picture."""

import ast
import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))

pytestmark = pytest.mark.skipif(
    not FOLDER.exists(), reason="the examples belong to a checkout, and this is none"
)


def user_code(path):
    """Return the lines that a user writes: all but the docstring and empty lines."""
    text = path.read_text(encoding="utf-8")
    first = ast.parse(text).body[0]
    return [line for line in text.splitlines()[first.end_lineno :] if line.strip()]


def test_there_is_one_for_each_step():
    assert {path.stem for path in EXAMPLES} >= {
        "step_current", "synaptic_input", "shared_input", "recurrent_network",
        "self_sustained_network", "recorded_cortex",
    }  # fmt: skip


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short(path):
    assert len(user_code(path)) <= 25


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_writes_its_picture(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    picture = tmp_path / f"{path.stem}.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000
