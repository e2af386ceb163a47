"""Models of macaque V4 by the command line: linear ones, and the bank that beats them."""

import csv
from pathlib import Path

import numpy as np
import pytest

from spikeloop.cli.main import main

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.skipif(not DATA.exists(), reason="real recordings are not here: ../shared/data"),
    pytest.mark.slow,  # ten seconds of work where nothing else runs
]


def test_a_bank_of_filters_predicts_v4_where_a_linear_model_does_not(tmp_path):
    out = tmp_path / "out"
    words = ["encode", str(DATA / "v4_macaque" / "210325"), "--model", "gabor", "--out", str(out)]
    assert main([*words, "--n-draws", "200"]) == 0
    with (out / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    mean = {
        name: np.mean([float(row["correlation"]) for row in rows if row["model"] == name])
        for name in ("ridge", "gabor")
    }
    assert 0.2 < mean["ridge"] < 0.35
    assert mean["gabor"] > 0.48
    assert "resized to 56 x 56 pixels" in (out / "report.html").read_text()
    assert "image_side_px = 56" in (out / "config.toml").read_text()
