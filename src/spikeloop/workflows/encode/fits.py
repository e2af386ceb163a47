"""Fit one model after the other, and tell what they warn of."""

import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

from spikeloop.errors import InvalidInputError, SpikeloopWarning
from spikeloop.workflows.job import Job

Fitted = TypeVar("Fitted")


def fit_each(
    job: Job, names: Sequence[str], baselines: Sequence[str], fit_one: Callable[[str], Fitted]
) -> dict[str, Fitted]:
    """Return fitted models by their names.

    Where several are asked for beside the baselines, one that cannot be fitted to these data is
    left out with a warning. Each warning is passed on once: every model meets the same silent unit.

    Raises
    ------
    InvalidInputError
        A baseline cannot be fitted, or the only other model.
    """
    fitted, told = {}, set()
    n_others = sum(name not in baselines for name in names)
    for name in names:
        with job.doing(name), warnings.catch_warnings(record=True) as caught:
            try:
                fitted[name] = fit_one(name)
            except InvalidInputError as error:
                if name in baselines or n_others == 1:
                    raise
                words = f"The model {name} was left out: {error}"
                warnings.warn(words, SpikeloopWarning, stacklevel=1)
        for found in caught:
            if str(found.message) not in told:
                told.add(str(found.message))
                warnings.warn_explicit(found.message, found.category, found.filename, found.lineno)
    return fitted
