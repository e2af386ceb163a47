"""Published recordings, read as their keepers describe them."""

from pathlib import Path

import numpy as np
import pytest

from spikeloop.errors import MissingVariableError
from spikeloop.io import ReadOptions, read_experiment

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="real recordings are not here: ../shared/data"
)


def test_h1_is_read_by_the_names_of_its_variables():
    import scipy.io

    path = DATA / "h1_fly" / "c1p8.mat"
    names = ReadOptions(stimulus="stim", spikes="rho", rate_hz=500.0)
    experiment = read_experiment(path, names)
    raw = scipy.io.loadmat(path)
    assert experiment.stimulus.values.shape == (600_000, 1)
    assert np.array_equal(experiment.stimulus.values, raw["stim"])
    assert len(experiment.spikes.times_s) == raw["rho"].sum() == 53_601
    assert experiment.spikes.epochs.duration_s == 1200.0
    bins = np.floor(experiment.spikes.times_s * 500).astype(int)
    assert np.array_equal(bins, np.flatnonzero(raw["rho"]))
    assert np.sum(bins >= 150) == 53_583
    wrong = ReadOptions(stimulus="stimulus", spikes="rho", rate_hz=500.0)
    with pytest.raises(MissingVariableError, match=r"it has stim \(600000, 1\), rho \(600000, 1\)"):
        read_experiment(path, wrong)


@pytest.mark.parametrize(
    ("session", "n_units", "n_images"),
    [
        ("201025", 89, 1200),
        ("190925", 36, 1200),
        ("190927", 31, 1200),
        ("210224", 67, 800),
        ("210322", 59, 1200),
        ("210325", 50, 640),
    ],
)
def test_v4_sessions_have_the_units_and_images_that_are_told_of_them(session, n_units, n_images):
    experiment = read_experiment(DATA / "v4_macaque" / session, ReadOptions(image_side_px=28))
    means = np.load(DATA / "v4_macaque" / session / "responses_mean.npy", allow_pickle=False)
    assert means.shape == (n_units, n_images)
    assert experiment.images.pixels.shape == (n_images, 28, 28)
    assert 0.0 <= experiment.images.pixels.min() < experiment.images.pixels.max() <= 1.0
    np.testing.assert_allclose(experiment.responses.mean().T, means, atol=1e-12)


def test_v4_210325_has_every_repeat():
    experiment = read_experiment(DATA / "v4_macaque" / "210325")
    assert experiment.images.pixels.shape == (640, 112, 112)
    repeats = experiment.responses.repeats()
    assert repeats.shape == (640, 10, 50)
    n_repeats = np.isfinite(repeats[:, :, 0]).sum(axis=1)
    assert (n_repeats.min(), n_repeats.max(), len(experiment.trials)) == (6, 10, n_repeats.sum())


def test_v4_images_are_sorted_by_name_even_where_the_zip_is_not():
    from zipfile import ZipFile

    from PIL import Image

    folder = DATA / "v4_macaque" / "190925"
    with ZipFile(folder / "images.zip") as archive:
        names = archive.namelist()
        assert names != sorted(names)
        with archive.open("image0460.jpg") as file:
            wanted = np.asarray(Image.open(file).convert("L"))
    rank = sorted(names).index("image0460.jpg")
    got = read_experiment(folder).images.of_ids([rank])[0]
    np.testing.assert_allclose(got * 255, wanted, atol=1e-4)
