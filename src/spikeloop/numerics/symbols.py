"""Names of compiled functions that no other process gives.

Numba names machine code after the function's qualified name, its types, and a count of the
functions compiled before in the same process. Code of two processes that meets in a third, loaded
from disk, may so have one name for two functions, of which the linker takes either without a word.
"""

import os
import secrets
from collections.abc import Callable

_TOKEN = secrets.token_hex(4)


def own_symbol(function: Callable, name: str | None = None) -> Callable:
    """Return `function`, named after `name`, or else after this process.

    >>> def step(v):
    ...     return v
    >>> own_symbol(step, "5f3a").__qualname__
    'step_5f3a'
    """
    # A forked process has the token of its parent, but not its number.
    function.__qualname__ += f"_{name or f'{os.getpid()}_{_TOKEN}'}"
    return function
