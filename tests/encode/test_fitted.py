"""What fitted models promise: batches, rates and receptive fields."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.data import Images, Responses, Trials
from spikeloop.encode import GaborBank, LinearNonlinear, MeanResponse, Ridge, fit
from spikeloop.encode.fitted import in_batches
from spikeloop.encode.images.bank_features import BankFeatures
from spikeloop.encode.images.filter_bank import FilterBank
from spikeloop.encode.images.windows import Windows
from spikeloop.errors import InvalidInputError, SpikeloopWarning

PIXELS = np.random.default_rng(0).normal(size=(90, 12, 14)).astype(np.float32)
SMALL_BANK = GaborBank(
    BankFeatures(FilterBank(n_scales=2, n_orientations=4), n_places=3), Windows(n_centres=0)
)
WINDOW_S = (0.05, 0.3)


def fitted_to(model, offset=0.0):
    noise = 0.1 * np.random.default_rng(1).normal(size=(90, 2))
    signal = np.stack([PIXELS[:, 3, 4], (PIXELS[:, 6:9, 6:9] ** 2).mean(axis=(1, 2))], axis=1)
    ids = np.arange(90)
    responses = Responses(5 + signal + noise, WINDOW_S, Trials(ids), ["a", "b"])
    return fit(model, responses, Images(PIXELS + offset, ids), seed=0)


@pytest.fixture(scope="module")
def bank():
    return fitted_to(SMALL_BANK)


def test_the_receptive_field_of_ridge_is_its_filter():
    fitted = fitted_to(Ridge(), offset=7.0)
    np.testing.assert_allclose(
        fitted.receptive_fields(), fitted.parameters["filters"], rtol=1e-5, atol=1e-7
    )
    np.testing.assert_allclose(fitted.mean_image, PIXELS.mean(axis=0) + 7, atol=1e-4)


def test_the_receptive_field_of_a_bank_is_the_slope_at_the_mean_image(bank):
    fields = bank.receptive_fields()
    assert fields.shape == (2, 12, 14)
    assert np.abs(fields).max() > 0
    rng = np.random.default_rng(2)
    directions = rng.normal(size=(8, 12, 14)).astype(np.float32)
    step = 3e-3
    ahead, behind = (bank.predict(bank.mean_image + sign * step * directions) for sign in (1, -1))
    slope = (ahead - behind).astype(float) / (2 * step)
    expected = np.einsum("dyx,uyx->du", directions, fields)
    np.testing.assert_allclose(slope, expected, atol=0.03 * np.abs(expected).max())


def test_rates_are_counts_over_the_duration_of_the_window():
    fitted = fitted_to(Ridge())
    counts = fitted.expected_counts(PIXELS[:4])
    np.testing.assert_allclose(fitted.predict(PIXELS[:4]), counts, rtol=1e-5)
    np.testing.assert_allclose(fitted.rates(PIXELS[:4]), counts / 0.25, rtol=1e-5)


def test_images_of_another_size_or_none_are_refused(bank):
    message = r"pixels has shape \(4, 14, 12\): this model wants \(image, 12, 14\)"
    for answer in (bank.predict, bank.rates, bank.expected_counts):
        with pytest.raises(InvalidInputError, match=message):
            answer(np.zeros((4, 14, 12)))
    with pytest.raises(InvalidInputError, match=r"shape \(12, 14\)"):
        bank.predict(PIXELS[0])
    with pytest.raises(InvalidInputError, match="pixels holds no image: give at least one"):
        bank.predict(PIXELS[:0])


def test_a_fitted_model_tells_what_it_is(bank):
    assert repr(bank) == "FittedModel(GaborBank, 2 units, images of 12 x 14)"


def doubled(batch):
    return jnp.asarray(batch.reshape(len(batch), -1)[:, :2] * 2)


@pytest.mark.parametrize("size", [1, 7, 30, 89, 90, 500])
def test_batches_are_of_one_size_and_lose_no_image(size):
    sizes = []

    def watched(batch):
        sizes.append(len(batch))
        return doubled(batch)

    np.testing.assert_array_equal(in_batches(watched, PIXELS, size), doubled(PIXELS))
    assert set(sizes) == {min(size, 90)}


@pytest.mark.parametrize(
    "shortage", [MemoryError(), jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")]
)
def test_a_batch_that_does_not_fit_the_memory_is_halved(shortage):
    sizes = []

    def greedy(batch):
        sizes.append(len(batch))
        if len(batch) > 20:
            raise shortage
        return doubled(batch)

    with pytest.warns(SpikeloopWarning) as said:
        found = in_batches(greedy, PIXELS, 64)
    np.testing.assert_array_equal(found, doubled(PIXELS))
    assert [str(warning.message) for warning in said] == [
        "64 images at once do not fit the memory: going on with 32.",
        "32 images at once do not fit the memory: going on with 16.",
    ]
    assert sizes == [64, 32, *[16] * 6]


def test_predictions_are_the_same_where_memory_is_short(monkeypatch):
    from spikeloop.encode import fitted as module

    model = fitted_to(LinearNonlinear())
    whole = model.predict(PIXELS)
    original = module._expected_counts

    def short(*arguments):
        if len(arguments[-1]) > 45:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")
        return original(*arguments)

    monkeypatch.setattr(module, "_expected_counts", short)
    with pytest.warns(SpikeloopWarning, match="going on with 45"):
        parts = model.predict(PIXELS)
    np.testing.assert_allclose(parts, whole, rtol=1e-5)


def test_other_troubles_and_single_images_without_room_are_raised():
    def broken(batch):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        in_batches(broken, PIXELS)

    def hopeless(batch):
        raise MemoryError

    with pytest.warns(SpikeloopWarning), pytest.raises(MemoryError):
        in_batches(hopeless, PIXELS[:4])


def test_the_mean_model_weighs_trials():
    ids = np.arange(30)
    shown = np.concatenate([ids, np.zeros(10, dtype=int)])
    counts = np.where(shown == 0, 8.0, 1.0)[:, None] + np.array([0.0, 1.0])
    responses = Responses(counts, WINDOW_S, Trials(shown), ["a", "b"])
    fitted = fit(MeanResponse(), responses, Images(PIXELS[:30], ids), seed=0)
    expected = (29 + 11 * 8) / 40
    np.testing.assert_allclose(fitted.predict(PIXELS[:3]), [[expected, expected + 1]] * 3)
    np.testing.assert_array_equal(fitted.receptive_fields(), 0)
