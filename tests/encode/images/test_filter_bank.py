"""What quadrature pairs of filters say of gratings, of constants, and on coarser grids."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.encode.images.filter_bank import (
    FilterBank,
    Grid,
    amplitude,
    filters_of_scale,
    outputs,
    padded_shape,
    pool,
    scales,
    spectrum,
)
from spikeloop.errors import InvalidInputError

SHAPE = (36, 44)
BANK = FilterBank(n_scales=3)
N_IMAGES = 24
"""Of this many images each function is compiled once."""


def gratings(wavelength_px, angle_deg, phase_deg=0.0):
    """Return gratings that vary along an angle from x towards greater y, which is downwards."""
    wavelength, angle, phase = np.broadcast_arrays(wavelength_px, angle_deg, phase_deg)
    y, x = np.indices(SHAPE)
    angle, phase = (np.deg2rad(a.ravel())[:, None, None] for a in (angle, phase))
    along = np.cos(angle) * x + np.sin(angle) * y
    return np.cos(2 * np.pi * along / wavelength.ravel()[:, None, None] + phase).astype(np.float32)


@jax.jit
def amplitudes(pixels):
    """Return (image, scale, orientation): the amplitude in the middle of each image."""
    transformed = spectrum(pixels)
    said = [
        pool(amplitude(outputs(transformed, scale)), scale.grid, 3, SHAPE)[:, :, 1, 1]
        for scale in scales(BANK, *SHAPE)
    ]
    return jnp.stack(said, axis=1)


@partial(jax.jit, static_argnums=0)
def every_output(bank, pixels):
    """Return the outputs of each scale."""
    transformed = spectrum(pixels)
    return [outputs(transformed, scale) for scale in scales(bank, *pixels.shape[1:])]


def test_the_amplitude_does_not_depend_on_the_phase_of_a_grating():
    for scale, orientation in ((0, 0), (1, 3), (2, 5)):
        wavelength = BANK.wavelengths_px(*SHAPE)[scale]
        pixels = gratings(wavelength, orientation * 22.5, np.arange(0, 360, 15))
        said = np.asarray(amplitudes(pixels))[:, scale, orientation]
        assert said.std() < 0.03 * said.mean()
        assert said.mean() == pytest.approx(0.5, abs=0.1), "half of its two frequencies"


def test_the_real_and_imaginary_parts_are_a_quarter_of_a_cycle_apart():
    wavelength = BANK.wavelengths_px(*SHAPE)[1]
    said = every_output(BANK, gratings(wavelength, 0.0, np.arange(0, 360, 15)))[1]
    even, odd = np.asarray(said)[[0, 6], 0]
    inside = tuple(slice(n // 3, 2 * n // 3) for n in even.shape)
    assert np.abs(even[inside]).min() > 0.3
    np.testing.assert_allclose(odd[inside], 1j * even[inside], atol=0.02)


def test_orientation_tuning_peaks_at_the_angle_of_the_filter():
    """Orientation k varies along the angle 180 k / n, from x towards greater y (downwards)."""
    angles = np.arange(0, 180, 7.5)
    said = np.asarray(amplitudes(gratings(BANK.wavelengths_px(*SHAPE)[1], angles)))[:, 1]
    for orientation in range(8):
        tuning = said[:, orientation]
        assert angles[tuning.argmax()] == pytest.approx(orientation * 22.5, abs=3)
        across = np.argmin(np.abs(angles - (orientation * 22.5 + 90) % 180))
        assert tuning[across] < 0.05 * tuning.max()


def test_frequency_tuning_peaks_at_the_wavelength_of_the_filter():
    wavelengths = np.geomspace(2.2, 16, N_IMAGES)
    said = np.asarray(amplitudes(gratings(wavelengths, 0.0)))[:, :, 0]
    for scale, wanted in enumerate(BANK.wavelengths_px(*SHAPE)):
        best = wavelengths[said[:, scale].argmax()]
        assert best == pytest.approx(wanted, rel=0.12)
    # Half the peak lies at exp(+-b sqrt(2 ln 2)) times the best frequency: 1.36 octaves in all.
    above = wavelengths[said[:, 1] > said[:, 1].max() / 2]
    octaves = np.log2(above[-1] / above[0])
    assert octaves == pytest.approx(2 * 0.4 * np.sqrt(2 * np.log(2)) / np.log(2), abs=0.3)


def test_a_constant_image_says_nothing():
    said = amplitudes(np.full((N_IMAGES, *SHAPE), 130.0, dtype=np.float32))
    assert said.max() < 1e-4
    pixels = np.random.default_rng(0).normal(size=(N_IMAGES, *SHAPE)).astype(np.float32)
    np.testing.assert_allclose(amplitudes(pixels + 3), amplitudes(pixels), rtol=1e-3)


def test_the_gradient_of_an_amplitude_is_finite_where_it_is_zero():
    slope = jax.grad(lambda real, imaginary: amplitude(jax.lax.complex(real, imaginary)), (0, 1))
    assert np.array_equal(slope(0.0, 0.0), (0.0, 0.0))
    np.testing.assert_allclose(slope(3.0, -4.0), (0.6, -0.8), rtol=1e-5)


@pytest.mark.parametrize("shape", [SHAPE, (15, 9)])
def test_a_coarse_grid_samples_what_the_full_one_says(shape):
    """The frequencies that a coarse grid holds are all that its filters pass, but for little."""
    bank = FilterBank(n_scales=3, finest_wavelength_px=4.0)
    pixels = np.random.default_rng(1).normal(size=(3, *shape)).astype(np.float32)
    for coarse, here in zip(scales(bank, *shape), every_output(bank, pixels), strict=True):
        full = full_size(bank, coarse, shape)
        kept = cut(full, coarse)
        there = np.fft.ifft2(np.asarray(spectrum(pixels))[:, None] * kept)
        here = np.asarray(here)
        same = np.fft.ifft2(shrunk(np.fft.fft2(there), here.shape[-2:]))
        same *= here.shape[-2] * here.shape[-1] / (there.shape[-2] * there.shape[-1])
        np.testing.assert_allclose(here, same, atol=2e-4 * np.abs(here).max())
        passed = (kept**2).sum() / (full.transfer**2).sum()
        assert passed > 0.97
        energy = (np.abs(there) ** 2).mean(axis=(-2, -1))
        np.testing.assert_allclose((np.abs(here) ** 2).mean(axis=(-2, -1)), energy, rtol=1e-3)


def full_size(bank, coarse, shape):
    """Return the same filters at every frequency of the image."""
    padded = padded_shape(*shape)
    fine = filters_of_scale(bank, coarse.wavelength_px, Grid((0.0, 0.0), padded, padded))
    fy, fx = (np.fft.fftfreq(n) for n in padded)
    frequency = np.hypot(fy[:, None], fx)
    turn = np.angle(
        np.exp(1j * (np.arctan2(fy[:, None], fx) - np.pi * np.arange(8)[:, None, None] / 8))
    )
    with np.errstate(divide="ignore"):
        ratio = np.log(frequency * coarse.wavelength_px)
    written = np.exp(
        -(ratio**2) / (2 * bank.bandwidth**2) - turn**2 / (2 * (0.85 * np.pi / 8) ** 2)
    )
    return type(fine)(coarse.wavelength_px, written, fine.grid)


def lowest(n, m):
    return np.fft.fftfreq(m, 1 / m).astype(int) % n


def cut(full, coarse):
    """Return the filters without the frequencies that a coarse grid does not hold."""
    kept = np.zeros_like(full.transfer)
    where = np.ix_(
        range(8),
        *(lowest(n, m) for n, m in zip(kept.shape[1:], coarse.transfer.shape[1:], strict=True)),
    )
    kept[where] = full.transfer[where]
    return kept


def shrunk(transformed, shape):
    rows, columns = (lowest(n, m) for n, m in zip(transformed.shape[-2:], shape, strict=True))
    return transformed[..., rows[:, None], columns]


def test_pooled_amplitudes_hardly_depend_on_the_grid():
    pixels = np.random.default_rng(2).normal(size=(N_IMAGES, *SHAPE)).astype(np.float32)
    corner = tuple(-((n - side) // 2) for n, side in zip(padded_shape(*SHAPE), SHAPE, strict=True))
    said = every_output(BANK, pixels)
    for coarse, here in zip(scales(BANK, *SHAPE), said, strict=True):
        full = full_size(BANK, coarse, SHAPE)
        maps = np.abs(np.fft.ifft2(np.asarray(spectrum(pixels))[:, None] * full.transfer))
        fine = pool(maps, Grid(corner, maps.shape[-2:], maps.shape[-2:]), 4, SHAPE)
        coarsely = pool(np.abs(here), coarse.grid, 4, SHAPE)
        assert np.abs(coarsely / fine - 1).mean() < 0.04


def test_places_are_counted_from_the_top_left_and_average():
    height, width = 12, 14
    grid = Grid((0.0, 0.0), (height, width), (height, width))
    maps = np.zeros((3, height, width), dtype=np.float32)
    maps[0, 0, 0] = maps[1, 0, -1] = maps[2, -1, 0] = 1.0
    places = np.asarray(pool(maps, grid, 4, (height, width)))
    best = [np.unravel_index(place.argmax(), (4, 4)) for place in places]
    assert best == [(0, 0), (0, 3), (3, 0)]
    constant = pool(np.full((height, width), 5.0, dtype=np.float32), grid, 4, (height, width))
    np.testing.assert_allclose(constant, 5.0, rtol=1e-6)
    mirrored = pool(maps[0, ::-1, ::-1], grid, 4, (height, width))
    np.testing.assert_allclose(mirrored[::-1, ::-1], places[0], atol=1e-6)


def test_a_window_of_a_place_is_a_gaussian_around_its_middle():
    grid = Grid((0.0, 0.0), (12, 14), (12, 14))
    weight = np.asarray(
        pool(np.eye(14, dtype=np.float32)[:, None, :].repeat(12, 1), grid, 2, (12, 14))
    )
    along_x = weight[:, 0, :]
    wanted = np.exp(-((np.arange(14) - np.array([[3.0], [10.0]])) ** 2) / (2 * (0.6 * 7) ** 2))
    np.testing.assert_allclose(along_x.T, wanted / wanted.sum(axis=1, keepdims=True), atol=1e-6)


def test_the_margin_of_a_map_does_not_count():
    grid = Grid((-4.0, -4.0), (20, 22), (20, 22))
    maps = np.full((20, 22), 100.0, dtype=np.float32)
    maps[4:16, 4:18] = 1.0
    np.testing.assert_allclose(pool(maps, grid, 3, (12, 14)), 1.0, rtol=1e-6)


def test_scales_that_do_not_fit_are_left_out():
    assert FilterBank(n_scales=6).wavelengths_px(12, 14) == pytest.approx((3.0, 4.8, 7.68, 12.288))
    with pytest.raises(InvalidInputError, match=r"images of 5 x 6 pixels.*finest wavelength of 7"):
        FilterBank(finest_wavelength_px=7.0).wavelengths_px(5, 6)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_scales": 0}, "n_scales=0: between 1 and 32"),
        ({"n_orientations": 2}, "n_orientations=2: between 3 and 64"),
        ({"finest_wavelength_px": 1.9}, "pixels show no wavelength below 2"),
        ({"scale_ratio": 1.0}, "scale_ratio=1.0: it must be above 1"),
        ({"bandwidth": 0.0}, "bandwidth=0.0: it must be above 0"),
    ],
)
def test_settings_that_make_no_bank_are_refused(setting, message):
    with pytest.raises(InvalidInputError, match=message):
        FilterBank(**setting)
