import hashlib
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import scipy.io

from spikeloop.errors import BadFileError, FetchError, InvalidInputError
from spikeloop.io import registry
from spikeloop.io.download import ATTEMPTS, CHUNK_BYTES, LocalCopier, RemoteFile, ResumingDownloader
from spikeloop.io.registry import Dataset, KnownArray, fetch_dataset, list_datasets

CONTENT = {
    "images.zip": np.random.default_rng(1).bytes(300_000),
    "responses_mean.npy": np.random.default_rng(2).bytes(1000),
}
STIM = np.arange(6.0)[:, None]


def remote(name, address="https://nowhere.invalid/"):
    content = CONTENT[name]
    return RemoteFile(name, address + name, len(content), hashlib.sha256(content).hexdigest())


class Server(ThreadingHTTPServer):
    """Serves CONTENT from this machine; each entry of `cuts` breaks one answer off."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = dict(CONTENT)
        self.cuts = []  # bytes to send before breaking off, one for each request
        self.has_ranges = True
        self.asked = []  # (path, Range header) of each request

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        content = self.server.content.get(self.path.rsplit("/", 1)[-1])
        if content is None:
            self.send_error(404)
            return
        start = 0
        if wanted and self.server.has_ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = start + self.server.cuts.pop(0) if self.server.cuts else len(content)
        self.wfile.write(content[start:stop])

    def log_message(self, *words):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKELOOP_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("SPIKELOOP_MIRROR", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def tiny(monkeypatch):
    """A registry of one data set with two files, and one to be got by hand."""
    stim_sha = hashlib.sha256(STIM.tobytes()).hexdigest()
    known = {
        "tiny": Dataset("tiny", "two files", "CC0", "nobody", "", tuple(map(remote, CONTENT))),
        "hand": Dataset(
            *("hand", "one array", "none", "nobody", ""),
            by_hand="h.mat",
            where="a book",
            arrays=(KnownArray("stim", STIM.shape, "<f8", stim_sha),),
        ),
    }
    monkeypatch.setattr(registry, "_registry", lambda: known)


@pytest.fixture
def mirror(tmp_path, tiny):
    folder = tmp_path / "mirror"
    for name, content in CONTENT.items():
        (folder / "tiny").mkdir(parents=True, exist_ok=True)
        (folder / "tiny" / name).write_bytes(content)
    return folder


def require_complete(folder):
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT


# The list


def test_every_entry_says_what_it_is_and_how_to_check_it():
    datasets = list_datasets()
    assert [d.name for d in datasets] == sorted({d.name for d in datasets})
    for dataset in datasets:
        assert dataset.what
        assert dataset.licence
        assert dataset.citation
        assert "{folder}" in dataset.use
        for file in dataset.files:
            assert file.address.startswith("https://")
            assert file.n_bytes > 0
        assert bool(dataset.files) != bool(dataset.by_hand and dataset.where and dataset.arrays)
        for known in (*dataset.files, *dataset.arrays):
            assert re.fullmatch("[0-9a-f]{64}", known.sha256)


def test_the_v4_sessions_come_from_the_commit_that_was_looked_at():
    addresses = [file.address for file in registry.find_dataset("v4-190925").files]
    root = "https://github.com/cowleygroup/V4_compact_models/raw/f4552ad9/data_V4_responses/"
    assert addresses == [
        root + "images/images_190925.zip",
        root + "responses_repeat_averaged/responses_190925.npy",
    ]


def test_an_unknown_name_is_answered_by_the_known_ones():
    with pytest.raises(InvalidInputError, match=r"no data set 'v5'. Choose one of: h1, v4-190925,"):
        fetch_dataset("v5")


def test_the_folder_is_the_users_cache_unless_told_otherwise(monkeypatch, cache):
    assert registry.data_folder() == cache
    monkeypatch.delenv("SPIKELOOP_DATA")
    assert registry.data_folder().parts[-1] in ("spikeloop", "Cache")


# From a folder of this machine


@pytest.mark.parametrize("as_mirror", [str, lambda folder: folder.as_uri()])
def test_a_mirror_may_be_a_folder(mirror, monkeypatch, cache, as_mirror):
    monkeypatch.setenv("SPIKELOOP_MIRROR", as_mirror(mirror))
    assert not registry.find_dataset("tiny").is_fetched
    assert fetch_dataset("tiny") == cache / "tiny"
    require_complete(cache / "tiny")
    assert registry.find_dataset("tiny").is_fetched


def test_a_fetched_cache_is_itself_a_mirror_and_needs_none(mirror, monkeypatch, cache, tmp_path):
    folder = fetch_dataset("tiny", source=mirror / "tiny")
    assert fetch_dataset("tiny") == folder, "nothing is asked for again"
    monkeypatch.setenv("SPIKELOOP_MIRROR", str(cache))
    monkeypatch.setenv("SPIKELOOP_DATA", str(tmp_path / "other"))
    require_complete(fetch_dataset("tiny"))


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")
def test_the_files_can_be_read_by_whoever_the_umask_allows(mirror):
    umask = os.umask(0o022)
    try:
        folder = fetch_dataset("tiny", source=mirror / "tiny")
    finally:
        os.umask(umask)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def test_a_file_that_was_damaged_in_the_cache_is_replaced(mirror):
    folder = fetch_dataset("tiny", source=mirror / "tiny")
    (folder / "images.zip").write_bytes(b"damaged")
    require_complete(fetch_dataset("tiny", source=mirror / "tiny"))


def test_a_changed_file_is_refused_with_both_sums_and_not_kept(mirror, cache):
    (mirror / "tiny" / "images.zip").write_bytes(b"something else")
    got, wanted = hashlib.sha256(b"something else").hexdigest(), remote("images.zip").sha256
    with pytest.raises(FetchError, match=rf"{got} \(14 bytes\); {wanted} \(300000 bytes\) was"):
        fetch_dataset("tiny", source=mirror / "tiny")
    assert not (cache / "tiny").exists()
    assert (mirror / "tiny" / "images.zip").exists(), "the source is not ours to remove"


def test_a_source_must_hold_the_files(mirror):
    with pytest.raises(FetchError, match=r"images\.zip is not there. Put the file there"):
        fetch_dataset("tiny", source=mirror)
    with pytest.raises(FetchError, match=r"is one file, and tiny has 2: give the folder"):
        fetch_dataset("tiny", source=mirror / "tiny" / "images.zip")


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/data",
        "ftp://example.org/data",
        "file://server/share",
        "https.example.org",
        "https://[bad",
        "http://127.0.0.1.example.org/",
    ],
)
def test_a_mirror_that_is_neither_https_nor_local_is_refused(tiny, monkeypatch, address):
    monkeypatch.setenv("SPIKELOOP_MIRROR", address)
    with pytest.raises(FetchError, match="neither an https address nor a folder that is there"):
        fetch_dataset("tiny")


@pytest.mark.parametrize("address", ["https://example.org/data", "https://example.org/data/"])
def test_a_mirror_address_is_extended_by_the_name(monkeypatch, address):
    monkeypatch.setenv("SPIKELOOP_MIRROR", address)
    assert registry._mirror_place("tiny") == "https://example.org/data/tiny/"


def test_a_cache_that_cannot_be_written_is_told(mirror, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SPIKELOOP_DATA", str(tmp_path / "file"))
    with pytest.raises(FetchError, match="Set SPIKELOOP_DATA to a folder that you may write to"):
        fetch_dataset("tiny", source=mirror / "tiny")


# Over HTTP, from a server of this machine


def test_a_mirror_may_be_an_address(tiny, server, monkeypatch, cache):
    monkeypatch.setenv("SPIKELOOP_MIRROR", server.address)
    require_complete(fetch_dataset("tiny"))
    assert server.asked == [("/tiny/images.zip", None), ("/tiny/responses_mean.npy", None)]


def test_a_cut_connection_goes_on_where_it_broke_off(server, tmp_path):
    server.cuts = [100_000, 50_000]
    target = tmp_path / "whole"
    file = remote("images.zip", server.address)
    ResumingDownloader(file, tmp_path / "part", pause_s=0)(file.address, str(target), None)
    assert target.read_bytes() == CONTENT["images.zip"]
    assert not (tmp_path / "part").exists()
    first, *later = [int(asked[6:-1]) if asked else 0 for _, asked in server.asked]
    assert first == 0
    assert len(later) == 2
    assert 100_000 - CHUNK_BYTES < later[0] <= 100_000
    assert 50_000 - CHUNK_BYTES < later[1] - later[0] <= 50_000


def test_a_later_process_goes_on_with_what_is_kept(tiny, server, monkeypatch, cache):
    monkeypatch.setenv("SPIKELOOP_MIRROR", server.address)
    (cache / "tiny").mkdir(parents=True)
    (cache / "tiny" / "images.zip.part").write_bytes(CONTENT["images.zip"][:123_456])
    require_complete(fetch_dataset("tiny"))
    assert server.asked[0] == ("/tiny/images.zip", "bytes=123456-")


def test_what_is_complete_is_not_asked_for_again(server, tmp_path):
    file = remote("images.zip", server.address)
    (tmp_path / "part").write_bytes(CONTENT["images.zip"])
    ResumingDownloader(file, tmp_path / "part")(file.address, str(tmp_path / "whole"), None)
    assert server.asked == []


def test_a_server_without_ranges_starts_from_nothing(server, tmp_path):
    server.has_ranges = False
    server.cuts = [100_000]
    file = remote("images.zip", server.address)
    ResumingDownloader(file, tmp_path / "part", pause_s=0)(
        file.address, str(tmp_path / "whole"), None
    )
    assert (tmp_path / "whole").read_bytes() == CONTENT["images.zip"]


def test_no_progress_ends_with_what_is_kept_and_what_to_do(server, tmp_path):
    server.cuts = [100_000] + [0] * 10
    file = remote("images.zip", server.address)
    download = ResumingDownloader(file, tmp_path / "part", pause_s=0)
    with pytest.raises(FetchError, match=r"\d+ of 300000 bytes are here, and kept.*SPIKELOOP_MIRR"):
        download(file.address, str(tmp_path / "whole"), None)
    assert len(server.asked) == 1 + ATTEMPTS
    kept = (tmp_path / "part").read_bytes()
    assert kept
    assert CONTENT["images.zip"].startswith(kept)
    assert not (tmp_path / "whole").exists()


@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_file_that_is_too_short_there_does_not_loop_for_ever(server, tmp_path, has_ranges):
    server.has_ranges = has_ranges
    server.content["images.zip"] = CONTENT["images.zip"][:1000]
    file = remote("images.zip", server.address)
    download = ResumingDownloader(file, tmp_path / "part", pause_s=0)
    with pytest.raises(FetchError, match=r"could not be had \(it .*of 300000 bytes are here"):
        download(file.address, str(tmp_path / "whole"), None)


def test_a_file_that_is_too_long_is_refused_before_it_fills_the_disk(server, tmp_path):
    server.content["responses_mean.npy"] = bytes(1_000_000)
    file = remote("responses_mean.npy", server.address)
    download = ResumingDownloader(file, tmp_path / "part", pause_s=0)
    with pytest.raises(FetchError, match=r"has sha256 \w+ \(1001 bytes\); \w+ \(1000 bytes\) was"):
        download(file.address, str(tmp_path / "whole"), None)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_download_leaves_nothing_behind(tiny, server, monkeypatch, cache):
    monkeypatch.setenv("SPIKELOOP_MIRROR", server.address)
    server.content["images.zip"] = bytes(300_000)
    with pytest.raises(FetchError, match=r"images\.zip has sha256 .*was wanted.*another mirror"):
        fetch_dataset("tiny")
    assert not (cache / "tiny").exists()


def test_a_missing_file_is_told_by_its_status(tiny, server, monkeypatch):
    monkeypatch.setenv("SPIKELOOP_MIRROR", server.address)
    del server.content["images.zip"]
    with pytest.raises(FetchError, match=r"images\.zip answered 404 .*set SPIKELOOP_MIRROR"):
        fetch_dataset("tiny")


def test_offline_is_told_with_advice(tmp_path, server):
    server.shutdown()
    server.server_close()
    file = remote("images.zip", server.address)
    download = ResumingDownloader(file, tmp_path / "part", pause_s=0)
    with pytest.raises(FetchError, match=r"\(ConnectionError\); 0 of 300000 .*SPIKELOOP_MIRROR to"):
        download(file.address, str(tmp_path / "whole"), None)


def test_a_copy_of_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FetchError, match="is not there"):
        LocalCopier(remote("images.zip"))(str(tmp_path / "none"), str(tmp_path / "out"), None)


# By hand


def test_what_has_no_address_tells_where_to_get_it(tiny, cache):
    with pytest.raises(
        FetchError, match=r"Get h\.mat by hand: a book\. Then: .* fetch hand --from"
    ):
        fetch_dataset("hand")
    assert not cache.exists()


@pytest.mark.parametrize("name", ["h.mat", "download (1).mat"])
def test_a_file_got_by_hand_is_checked_by_its_numbers(tiny, tmp_path, cache, name):
    # Stored as int16 beside other variables: the bytes of the file differ, the numbers do not.
    scipy.io.savemat(tmp_path / name, {"stim": STIM.astype(np.int16), "more": 1.0})
    folder = fetch_dataset("hand", source=tmp_path / name)
    assert [path.name for path in folder.iterdir()] == ["h.mat"]
    assert fetch_dataset("hand") == folder, "once in the cache it needs no source"


def test_a_local_mirror_serves_what_was_got_by_hand(tiny, tmp_path, monkeypatch):
    (tmp_path / "mirror" / "hand").mkdir(parents=True)
    monkeypatch.setenv("SPIKELOOP_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(BadFileError, match=r"h\.mat does not exist"):
        fetch_dataset("hand")
    scipy.io.savemat(tmp_path / "mirror" / "hand" / "h.mat", {"stim": STIM})
    assert (fetch_dataset("hand") / "h.mat").exists()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"rho": STIM}, r"stim has shape None; \(6, 1\) was wanted. This is not h.mat of a book"),
        ({"stim": STIM.T}, r"stim has shape \(1, 6\); \(6, 1\) was wanted"),
        ({"stim": STIM + 1}, r"numbers of stim have sha256 \w+; \w+ was wanted.*was changed"),
        ({"stim": np.full((6, 1), np.nan)}, "numbers of stim have sha256"),
    ],
)
def test_other_numbers_are_refused(tiny, tmp_path, cache, variables, message):
    scipy.io.savemat(tmp_path / "h.mat", variables)
    with pytest.raises(FetchError, match=message):
        fetch_dataset("hand", source=tmp_path)
    assert not cache.exists()


def test_a_file_that_is_missing_or_no_matlab_file_is_refused(tiny, tmp_path):
    with pytest.raises(BadFileError, match="does not exist"):
        fetch_dataset("hand", source=tmp_path / "none.mat")
    (tmp_path / "h.mat").write_bytes(b"not a MATLAB file" * 20)
    with pytest.raises(BadFileError, match=r"h\.mat cannot be read as MATLAB"):
        fetch_dataset("hand", source=tmp_path / "h.mat")
