"""A recording gives the samples asked for, however they are asked for, and refuses the rest."""

import itertools
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from spikeloop.data import Recording
from spikeloop.errors import InvalidInputError

CONTACTS_UM = np.array([[0.0, 0.0], [0.0, 20.0], [16.0, 10.0]])
TRACES_UV = np.random.default_rng(3).normal(size=(50, 3)).astype(np.float32)


def recording():
    return Recording.from_array(TRACES_UV, 1000.0, CONTACTS_UM)


def smooth(traces_uV):
    """Add up five samples in the order of time, so that the sum is the same to the last bit."""
    return scipy.ndimage.correlate1d(traces_uV, np.ones(5), axis=0, mode="constant")


def test_reading_gives_what_was_put_in():
    whole = recording().read(0, 50)
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(whole, TRACES_UV)
    np.testing.assert_array_equal(recording().read(np.int64(7), 9), TRACES_UV[7:9])
    assert recording().read(50, 50).shape == (0, 3)
    assert (recording().n_channels, recording().duration_s) == (3, 0.05)


def test_nothing_is_fetched_but_what_is_asked_for():
    asked = []

    def fetch(start, stop):
        asked.append((start, stop))
        return np.zeros((stop - start, 3))

    lazy = Recording(fetch, 10**12, 30000.0, CONTACTS_UM)
    assert lazy.through(smooth, 2).read(10**9, 10**9 + 5).dtype == np.float32
    lazy.read(5, 5)
    assert asked == [(10**9 - 2, 10**9 + 7)]


@given(borders=st.sets(st.integers(0, 50)), margins=st.tuples(st.integers(2, 9), st.integers(2, 9)))
def test_stages_give_the_same_bytes_in_any_pieces(borders, margins):
    staged = recording().through(smooth, margins[0]).through(smooth, margins[1])
    edges = sorted({0, 50, *borders})
    pieces = [staged.read(a, b) for a, b in itertools.pairwise(edges)]
    assert np.concatenate(pieces).tobytes() == staged.read(0, 50).tobytes()


@pytest.mark.parametrize("margin", [2, 49, 50, 200])
def test_the_ends_are_mirrored(margin):
    staged = recording().through(smooth, margin)
    wanted = scipy.ndimage.correlate1d(TRACES_UV, np.ones(5), axis=0, mode="mirror")
    np.testing.assert_array_equal(staged.read(0, 50), wanted)
    wide = []
    recording().through(lambda traces_uV: wide.append(traces_uV) or traces_uV, margin).read(0, 50)
    padded = np.pad(TRACES_UV, ((margin, margin), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(wide[0], padded)


def test_a_single_sample_is_its_own_mirror():
    one = Recording.from_array(TRACES_UV[:1], 1000.0, CONTACTS_UM)
    np.testing.assert_array_equal(one.through(smooth, 2).read(0, 1), 5 * TRACES_UV[:1])


def test_chunks_cover_all_samples_once():
    assert list(recording().chunks(20)) == [(0, 20), (20, 40), (40, 50)]
    assert list(recording().chunks(50)) == [(0, 50)]
    with pytest.raises(InvalidInputError, match="size=0: a chunk must have 1 sample or more"):
        recording().chunks(0)


def test_a_recording_can_be_sent_to_another_process():
    sent = ForkingPickler.loads(ForkingPickler.dumps(recording().through(smooth, 2)))
    np.testing.assert_array_equal(sent.read(3, 9), recording().through(smooth, 2).read(3, 9))


@pytest.mark.parametrize(
    ("start", "stop"), [(-1, 5), (5, 4), (0, 51), (51, 51), (0.0, 5), (False, 5)]
)
def test_samples_that_are_not_there_are_refused(start, stop):
    with pytest.raises(
        InvalidInputError, match=rf"samples {start}\.\.{stop} were asked .* <= 50\."
    ):
        recording().read(start, stop)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fetch": 3}, "fetch is a int: give a function"),
        ({"n_samples": 0}, "n_samples=0: it must be a whole number above 0"),
        ({"n_samples": 1.5}, r"n_samples=1\.5: it must be a whole number above 0"),
        ({"sample_rate_hz": 0.0}, r"sample_rate_hz=0\.0: it must be a number above 0"),
        ({"sample_rate_hz": np.nan}, "sample_rate_hz=nan: it must be a number above 0"),
        ({"sample_rate_hz": "fast"}, "sample_rate_hz=fast: it must be a number above 0"),
        ({"contacts_um": np.zeros((3, 3))}, r"contacts_um has shape \(3, 3\): give x and y"),
        ({"contacts_um": np.zeros((0, 2))}, r"contacts_um has shape \(0, 2\): give x and y"),
        ({"contacts_um": np.zeros(2)}, r"contacts_um has shape \(2,\): its axes must be"),
        ({"contacts_um": [[0, np.nan]]}, r"contacts_um holds 1 values that are not finite"),
    ],
)
def test_a_recording_refuses(changes, message):
    good = {"fetch": TRACES_UV.__getitem__, "n_samples": 50, "sample_rate_hz": 1e3}
    with pytest.raises(InvalidInputError, match=message):
        Recording(**(good | {"contacts_um": CONTACTS_UM} | changes))


@pytest.mark.parametrize(
    ("traces_uV", "message"),
    [
        (TRACES_UV.T, "traces_uV has 50 channels and contacts_um 3 rows"),
        (np.full((2, 3), np.inf), "traces_uV holds 6 values that are not finite"),
        (np.zeros((0, 3)), "n_samples=0"),
        (np.zeros(3), r"traces_uV has shape \(3,\): its axes must be \(time, channel\)"),
    ],
)
def test_an_array_that_is_no_recording_is_refused(traces_uV, message):
    with pytest.raises(InvalidInputError, match=message):
        Recording.from_array(traces_uV, 1000.0, CONTACTS_UM)


def test_what_fetch_gives_is_checked():
    wrong = Recording(lambda start, stop: TRACES_UV, 90, 1000.0, CONTACTS_UM)
    with pytest.raises(InvalidInputError, match=r"fetch\(0, 9\) gave .* \(50, 3\): .* \(9, 3\)"):
        wrong.read(0, 9)


def test_a_stage_must_keep_the_shape():
    with pytest.raises(InvalidInputError, match=r"shape \(7, 3\) and returned \(6, 3\)"):
        recording().through(lambda traces_uV: traces_uV[1:], 1).read(3, 8)
    with pytest.raises(InvalidInputError, match="margin=-1: it must be a whole number of samples"):
        recording().through(smooth, -1)
    with pytest.raises(InvalidInputError, match="stage is a str: give a function"):
        recording().through("smooth", 1)
