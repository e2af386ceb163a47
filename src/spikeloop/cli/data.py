"""``spikeloop data``: list and fetch published recordings."""

import argparse
import sys

from spikeloop.io.registry import Dataset, data_folder, fetch_dataset, find_dataset, list_datasets


def main(arguments: list[str]) -> int:
    """Run ``spikeloop data list`` or ``spikeloop data fetch NAME`` and return the exit code."""
    chosen = _parser().parse_args(arguments)
    if chosen.verb == "list":
        return _list()
    return _fetch(chosen.name, chosen.source)


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="spikeloop data",
        description="List and fetch published recordings.",
        epilog=(
            "SPIKELOOP_DATA is the folder that keeps them (else the user's cache folder).\n"
            "SPIKELOOP_MIRROR is an https address or a folder to fetch NAME/FILE from.\n\n"
            "Example:\n  spikeloop characterize $(spikeloop data fetch v4-210325) --out v4-results"
        ),
        formatter_class=form,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="{list,fetch}")
    verbs.add_parser(
        "list",
        help="show what can be fetched, and what is here",
        description="Print a table: name, whether it is fetched, size, licence, content.",
        epilog="Example:\n  spikeloop data list",
        formatter_class=form,
    )
    fetch = verbs.add_parser(
        "fetch",
        help="fetch a recording and print its folder",
        description="Fetch a recording, check its sha256, and print its folder on stdout.\n"
        "A download that broke off goes on where it stopped.",
        epilog="Example:\n  spikeloop data fetch v4-210325\n"
        "  spikeloop data fetch h1 --from c1p8.mat",
        formatter_class=form,
    )
    fetch.add_argument("name", metavar="NAME", help="a name that `spikeloop data list` shows")
    fetch.add_argument(
        "--from",
        dest="source",
        metavar="PATH",
        help="take the file, or the files of this folder, instead of downloading",
    )
    return parser


def _list() -> int:
    header = ("NAME", "FETCHED", "SIZE", "LICENCE", "WHAT")
    rows = [header, *(_row(dataset) for dataset in list_datasets())]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    sys.stderr.write(f"Kept in {data_folder()}\n")
    return 0


def _row(dataset: Dataset) -> tuple[str, ...]:
    size = "by hand" if dataset.n_bytes is None else f"{dataset.n_bytes / 1e6:.1f} MB"
    fetched = "yes" if dataset.is_fetched else "no"
    return dataset.name, fetched, size, dataset.licence, dataset.what


def _fetch(name: str, source: str | None) -> int:
    dataset = find_dataset(name)
    sys.stderr.write(f"Licence: {dataset.licence}\nPlease cite: {dataset.citation}\n")
    folder = fetch_dataset(name, source=source)
    sys.stderr.write(f"Next: {dataset.use.format(folder=folder)}\n")
    sys.stdout.write(f"{folder}\n")
    return 0
