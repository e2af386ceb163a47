"""Downloads that go on where they broke off, and are checked before they are believed."""

import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from spikeloop.errors import FetchError

ATTEMPTS = 3
"""How often a connection may break off without a byte of progress."""
TIMEOUT_S = 30.0
CHUNK_BYTES = 2**13
"""What a broken connection loses at most of what had come."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set, and how to know that it is the right one."""

    name: str
    """What it is called in the folder of the data set."""
    address: str
    """Where it was published."""
    n_bytes: int
    sha256: str


class ResumingDownloader:
    """A downloader for pooch that continues `part` and moves it once its hash is right.

    pooch's own downloader starts from nothing each time. What came before a connection broke off
    stays in `part`, and a ``Range`` header asks for the rest, at once or in a later process.
    """

    def __init__(self, file: RemoteFile, part: Path, *, pause_s: float = 1.0) -> None:
        self.file = file
        self.part = part
        self.pause_s = pause_s

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Download `url` to `output_file`; `pooch` is what pooch hands to every downloader."""
        n_failures, n_most = 0, self._n_bytes()
        while (n_before := self._n_bytes()) < self.file.n_bytes:
            reason = self._go_on(url, n_before)
            n_failures = 0 if self._n_bytes() > n_most else n_failures + 1
            n_most = max(n_most, self._n_bytes())
            if n_failures == ATTEMPTS:
                raise FetchError(
                    f"{url} could not be had ({reason}); {self._n_bytes()} of "
                    f"{self.file.n_bytes} bytes are here, and kept. Check the network and fetch "
                    "again, or set SPIKELOOP_MIRROR to a folder or https address that has it."
                )
            if n_failures:
                time.sleep(self.pause_s)
        try:
            require_content(self.part, self.file, url)
        except FetchError:
            self.part.unlink()
            raise
        os.replace(self.part, output_file)

    def _n_bytes(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _go_on(self, url: str, n_before: int) -> str:
        """Ask for what is missing, and return why it ended."""
        import requests

        headers = {"Accept-Encoding": "identity"}  # a range of compressed bytes would not fit
        if n_before:
            headers["Range"] = f"bytes={n_before}-"
        try:
            with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
                if response.status_code == requests.codes.requested_range_not_satisfiable:
                    self.part.unlink()
                    return "it is shorter than it should be"
                response.raise_for_status()
                self._write(response, n_before)
        except requests.HTTPError as error:
            raise FetchError(
                f"{url} answered {error.response.status_code} {error.response.reason}. It may have "
                "moved: set SPIKELOOP_MIRROR to a folder or https address that has it."
            ) from error
        except requests.RequestException as error:
            return type(error).__name__
        return "it ended early"

    def _write(self, response: object, n_before: int) -> None:
        from tqdm import tqdm

        resumed = response.status_code == 206  # 200 is the whole file, from a server without ranges
        bar = tqdm(
            total=self.file.n_bytes,
            initial=n_before if resumed else 0,
            desc=self.file.name,
            unit="B",
            unit_scale=True,
            disable=None,
        )
        with bar, self.part.open("ab" if resumed else "wb") as out:
            for chunk in response.iter_content(CHUNK_BYTES):
                # One byte too many is enough for the hash to refuse it: a disk need not fill up.
                out.write(chunk[: self.file.n_bytes + 1 - out.tell()])
                bar.update(len(chunk))
                if out.tell() > self.file.n_bytes:
                    return


@dataclass(frozen=True)
class LocalCopier:
    """A downloader for pooch that copies a file of this machine."""

    file: RemoteFile

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Copy the file at the path `url` to `output_file`."""
        if not Path(url).is_file():
            raise FetchError(f"{url} is not there. Put the file there, or give another folder.")
        Path(output_file).unlink(missing_ok=True)  # pooch made it for this user's eyes alone
        shutil.copyfile(url, output_file)
        require_content(Path(output_file), self.file, url)


def require_content(path: Path, file: RemoteFile, address: str) -> None:
    """Refuse a file whose sha256 is not the one that was written down."""
    with path.open("rb") as stream:
        got = hashlib.file_digest(stream, "sha256").hexdigest()
    if got != file.sha256:
        raise FetchError(
            f"{address} has sha256 {got} ({path.stat().st_size} bytes); {file.sha256} "
            f"({file.n_bytes} bytes) was wanted. It is damaged or has changed: nothing of it was "
            "kept. Fetch again, or from another mirror."
        )
