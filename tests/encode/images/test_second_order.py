"""Filters on the amplitudes of filters: what tells two textures apart that have one spectrum."""

from functools import partial

import jax
import numpy as np
import pytest

from spikeloop.encode.images.bank_features import BankFeatures, pooled_amplitudes
from spikeloop.encode.images.filter_bank import FilterBank
from spikeloop.encode.images.second_order import SecondOrder, second_amplitudes
from spikeloop.errors import InvalidInputError

FIRST = FilterBank(n_scales=2, n_orientations=4, finest_wavelength_px=4.0)
SECOND = SecondOrder(2, FilterBank(n_scales=2, n_orientations=4, finest_wavelength_px=10.0))
SIDE = 40


@pytest.fixture(scope="module")
def second_of():
    return jax.jit(partial(second_amplitudes, FIRST, SECOND, n_places=2, floor=1e-6))


def modulated(envelope_deg):
    """Return stripes along x whose contrast waxes and wanes along an angle, every 10 pixels."""
    y, x = np.indices((SIDE, SIDE))
    angle = np.deg2rad(envelope_deg)
    envelope = 1 + np.cos(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / 10)
    return (envelope * np.cos(2 * np.pi * x / 4)).astype(np.float32)


def test_the_second_bank_tells_along_which_angle_contrast_varies(second_of):
    said = np.asarray(second_of(np.stack([modulated(0), modulated(90)])))
    # First the finest scale; of it each second scale, with (first, second) orientation.
    finest = said.mean(axis=(2, 3))[:, :16].reshape(2, 4, 4)
    along, across = finest[:, 0]
    assert along.argmax() == 0
    assert across.argmax() == 2
    assert along[0] > 1.5 * along[2]
    assert across[2] > 1.5 * across[0]


def test_the_number_of_channels_is_that_of_pairs_that_fit(second_of):
    for shape, n_channels in (((SIDE, SIDE), 2 * 2 * 16), ((12, 9), 16 + 16), ((8, 9), 0)):
        said = jax.eval_shape(second_of, jax.ShapeDtypeStruct((3, *shape), np.float32))
        assert said.shape == (3, n_channels, 2, 2)


def test_contrast_raises_it_with_its_fourth_root(second_of):
    pixels = np.stack([modulated(0), modulated(90)])
    strong, weak = (np.asarray(second_of(gain * pixels)).max() for gain in (16.0, 1.0))
    assert strong / weak == pytest.approx(2.0, rel=0.01)


def test_textures_alike_in_first_amplitudes_differ_in_second(second_of):
    rng = np.random.default_rng(0)
    first = jax.jit(partial(pooled_amplitudes, BankFeatures(FIRST, n_places=2)))
    noise = rng.normal(size=(2, SIDE, SIDE)).astype(np.float32)
    pixels = np.stack([modulated(0), modulated(90)]) + 0.3 * noise
    apart = [
        np.linalg.norm(np.subtract(*np.asarray(said(pixels)))) / np.linalg.norm(said(pixels)[0])
        for said in (first, second_of)
    ]
    assert apart[1] > 0.1
    assert apart[0] < 0.5 * apart[1]


def test_no_scale_is_refused():
    with pytest.raises(InvalidInputError, match="n_first_scales=0: it must be 1 or more"):
        SecondOrder(n_first_scales=0)
