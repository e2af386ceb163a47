"""V4 folders: images in order of their names, a trial for every repeat, nothing taken on faith."""

import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from spikeloop.errors import (
    BadFileError,
    InvalidInputError,
    MissingVariableError,
    SpikeloopWarning,
    UnsafeFileError,
)
from spikeloop.io import ReadOptions, read_experiment
from spikeloop.io.v4 import image_shape, read_v4


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def zip_of(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def grey(level, side=4):
    return png(np.full((side, side), level))


@pytest.fixture
def folder(tmp_path):
    """Return a session of two units and three images, whose names sort 2, 9, 10."""
    files = {"s/": b"", "s/image10.png": grey(100), "s/image9.png": grey(90)}
    zip_of(tmp_path / "images.zip", files | {"s/image2.png": grey(20), "__MACOSX/s/._i.png": b""})
    np.save(tmp_path / "responses_mean.npy", np.arange(6.0).reshape(2, 3))
    return tmp_path


def test_image_i_in_natural_order_is_column_i(folder):
    experiment = read_experiment(folder)
    assert experiment.name == folder.name
    np.testing.assert_allclose(experiment.images.pixels[:, 0, 0] * 255, [20, 90, 100], rtol=1e-6)
    assert experiment.images.image_ids.tolist() == [0, 1, 2]
    assert experiment.responses.counts.tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    assert experiment.responses.window_s == (0.0, 0.1)
    assert experiment.trials.stimulus_id.tolist() == [0, 1, 2]
    assert (experiment.trials.onset_s, experiment.spikes) == (None, None)


def test_file_names_may_carry_the_session(folder):
    (folder / "images.zip").rename(folder / "images_210325.zip")
    (folder / "responses_mean.npy").rename(folder / "responses_210325.npy")
    assert len(read_experiment(folder).images) == 3


def test_every_repeat_that_is_there_is_a_trial(folder):
    raw = np.arange(12.0).reshape(2, 3, 2)
    raw[:, 1, 1] = np.nan
    np.save(folder / "responses_raw.npy", raw)
    responses = read_v4(folder).responses
    assert responses.trials.stimulus_id.tolist() == [0, 0, 1, 2, 2]
    assert responses.trials.conditions["repeat"].tolist() == [0, 1, 0, 0, 1]
    np.testing.assert_array_equal(responses.repeats(), raw.transpose(1, 2, 0))


def test_colour_becomes_grey_and_side_px_averages(folder):
    pixels = np.zeros((4, 4, 3))
    pixels[..., 1] = 200
    pixels[:, ::2] = 0
    zip_of(folder / "images.zip", {f"{i}.png": png(pixels) for i in range(3)})
    images = read_v4(folder, ReadOptions(image_side_px=2)).images
    assert images.pixels.shape == (3, 2, 2)
    np.testing.assert_allclose(images.pixels * 255, 0.587 * 100, atol=0.6)
    with pytest.raises(InvalidInputError, match="image_side_px=0: it must lie in"):
        ReadOptions(image_side_px=0)


def test_responses_that_are_turned_are_told(folder):
    np.save(folder / "responses_mean.npy", np.ones((3, 2)))
    with pytest.raises(InvalidInputError, match=r"3 images and 2 columns.*Transpose the responses"):
        read_experiment(folder)


def test_as_many_images_as_columns(folder):
    zip_of(folder / "images.zip", {"a.png": grey(1)})
    with pytest.raises(InvalidInputError, match="1 images and 3 columns"):
        read_v4(folder)


def test_a_repeat_with_some_units_only_is_refused(folder):
    raw = np.zeros((2, 3, 2))
    raw[0, 1, 1] = np.nan
    np.save(folder / "responses_raw.npy", raw)
    with pytest.raises(InvalidInputError, match="image 1, repeat 1 has counts of 1 of 2 units"):
        read_v4(folder)


@pytest.mark.parametrize("side_px", [None, 3])
def test_images_of_two_sizes_are_refused_resized_or_not(folder, side_px):
    pixels = {"a.png": grey(1), "b.png": png(np.ones((5, 4))), "c.png": grey(3)}
    zip_of(folder / "images.zip", pixels)
    with pytest.raises(BadFileError, match=r"b\.png has 5 x 4 pixels and a\.png 4 x 4\. All must"):
        read_v4(folder, ReadOptions(image_side_px=side_px))


def test_images_that_are_not_square_are_kept_or_distorted_with_a_warning(folder):
    pixels = np.repeat([[10, 30]], 4, axis=0)  # 4 high, 2 wide
    zip_of(folder / "images.zip", {f"{i}.png": png(pixels) for i in range(3)})
    assert read_v4(folder).images.pixels.shape == (3, 4, 2)
    assert image_shape(folder) == (4, 2)
    with pytest.warns(SpikeloopWarning, match=r"4 x 2 pixels .* made 1 x 1, .* distorted"):
        images = read_v4(folder, ReadOptions(image_side_px=1)).images
    np.testing.assert_allclose(images.pixels.ravel() * 255, 20, rtol=1e-6)


def test_images_without_counts_are_left_out_with_a_warning(folder):
    raw = np.arange(12.0).reshape(2, 3, 2)
    raw[:, 1] = np.nan
    np.save(folder / "responses_raw.npy", raw)
    with pytest.warns(SpikeloopWarning, match="1 of 3 images have no counts, such as image 1"):
        experiment = read_v4(folder)
    assert experiment.trials.stimulus_id.tolist() == [0, 0, 2, 2]


def test_folders_that_lack_a_part_or_hold_two_sessions_are_refused(folder):
    np.save(folder / "responses_other.npy", np.zeros((2, 3)))
    with pytest.raises(BadFileError, match=r"responses_mean\.npy \(2, 3\), responses_other"):
        read_v4(folder)
    zip_of(folder / "images_2.zip", {"a.png": grey(1)})
    with pytest.raises(MissingVariableError, match=r"must hold one images\.zip"):
        read_v4(folder)
    with pytest.raises(MissingVariableError, match="it holds nothing"):
        read_v4(folder / "nowhere")


def test_a_zip_without_images_and_words_for_numbers_are_refused(folder):
    zip_of(folder / "images.zip", {"readme.txt": "none"})
    with pytest.raises(InvalidInputError, match=r"holds no \.jpg or \.png"):
        read_v4(folder)
    np.save(folder / "responses_mean.npy", np.array([["a"]]))
    with pytest.raises(InvalidInputError, match="it must hold numbers"):
        read_v4(folder)
    np.save(folder / "responses_mean.npy", np.array([[{}]], dtype=object))
    with pytest.raises(UnsafeFileError, match="holds pickled Python objects"):
        read_v4(folder)


def test_an_image_that_swells_is_refused(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12)
    with pytest.raises(UnsafeFileError, match="exceeds limit of 12 pixels"):
        read_v4(folder)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6)
    with pytest.raises(UnsafeFileError, match="exceeds limit of 12 pixels"):
        read_v4(folder)


def test_an_entry_that_swells_is_refused(folder):
    with zipfile.ZipFile(folder / "images.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(65 * 2**20))
    with pytest.raises(UnsafeFileError, match=r"a\.png claims 65 MiB; at most 64 MiB"):
        read_v4(folder)


def test_a_damaged_image_is_refused(folder):
    noise = png(np.random.default_rng(0).integers(0, 256, (64, 64)))
    zip_of(folder / "images.zip", {f"{i}.png": noise[:2000] for i in range(3)})
    with pytest.raises(BadFileError, match=r"images\.zip: 0\.png cannot be read as an image"):
        read_v4(folder)


def saved(picture, **options):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are of POSIX")
@pytest.mark.parametrize("name", ["images.zip", "responses_mean.npy"])
def test_a_pipe_for_a_part_is_refused_at_once(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(BadFileError, match=f"{name} is a pipe or a device"):
        read_v4(folder)


def test_images_that_fill_the_memory_once_unpacked_are_refused(folder, monkeypatch):
    monkeypatch.setattr("spikeloop.io.v4._PIXEL_BYTES", 3 * 4 * 4 * 4 - 1)
    with pytest.raises(UnsafeFileError, match=r"images\.zip unpacks to .* Give image_side_px"):
        read_v4(folder)
    assert read_v4(folder, ReadOptions(image_side_px=2)).images.pixels.shape == (3, 2, 2)


def test_sixteen_bits_a_pixel_are_scaled_to_one(folder):
    levels = np.array([[0, 257], [32896, 65535]], dtype=np.uint16)
    picture = saved(Image.fromarray(levels))
    zip_of(folder / "images.zip", {f"{i}.png": picture for i in range(3)})
    np.testing.assert_allclose(read_v4(folder).images.pixels[0], levels / 65535, rtol=1e-6)
    mean = read_v4(folder, ReadOptions(image_side_px=1)).images.pixels
    np.testing.assert_allclose(mean.ravel(), levels.mean() / 65535, rtol=1e-6)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_images_are_refused_and_opaque_ones_read(folder, mode):
    picture = Image.fromarray(np.full((4, 4), 51, dtype=np.uint8)).convert(mode)
    zip_of(folder / "images.zip", {f"{i}.png": saved(picture) for i in range(3)})
    np.testing.assert_allclose(read_v4(folder).images.pixels, 0.2, rtol=1e-6)
    picture.putalpha(128)
    zip_of(folder / "images.zip", {f"{i}.png": saved(picture) for i in range(3)})
    with pytest.raises(InvalidInputError, match=r"0\.png is transparent in places"):
        read_v4(folder)


def test_a_transparent_level_is_refused(folder):
    picture = saved(Image.new("L", (4, 4), 7), transparency=7)
    zip_of(folder / "images.zip", {f"{i}.png": picture for i in range(3)})
    with pytest.raises(InvalidInputError, match="is transparent in places"):
        read_v4(folder)


def test_an_animation_is_refused(folder):
    frames = [Image.new("L", (4, 4), level) for level in (0, 200)]
    picture = saved(frames[0], save_all=True, append_images=frames[1:])
    zip_of(folder / "images.zip", {f"{i}.png": picture for i in range(3)})
    with pytest.raises(InvalidInputError, match=r"0\.png holds several frames"):
        read_v4(folder)


@pytest.mark.parametrize("content", [b"", b"hello"])
def test_an_entry_that_is_no_image_is_named(folder, content):
    zip_of(folder / "images.zip", {"a.png": grey(1), "b.png": content, "c.png": grey(1)})
    message = rf"images\.zip: b\.png \({len(content)} bytes\) is not a JPEG or PNG image"
    with pytest.raises(BadFileError, match=message):
        read_v4(folder)


@pytest.mark.parametrize(
    ("count", "message"), [(np.inf, "holds infinite counts"), (np.nan, "holds no counts")]
)
def test_counts_that_are_infinite_or_all_missing_are_refused(folder, count, message):
    np.save(folder / "responses_mean.npy", np.full((2, 3), count))
    with pytest.raises(InvalidInputError, match=message):
        read_v4(folder)
