"""Libraries of others talk to their programmers; our users get one line from us, or none.

transformers and diffusers print tables of what they loaded, bars while they load, and notes on what a later version will
call differently. What matters of it (weights that lack, a class that is another) is asked for and refused by our own code.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib.util import find_spec

_LIBRARIES = ("transformers", "diffusers", "huggingface_hub", "accelerate", "torch")


@cache
def quiet_libraries() -> None:
    """Errors only, no bars, no FutureWarnings, of the libraries that load models of others. Loads those that are installed."""
    if find_spec("transformers"):
        from transformers.utils import logging as of_transformers

        of_transformers.set_verbosity_error()
        of_transformers.disable_progress_bar()
    if find_spec("diffusers"):
        from diffusers.utils import logging as of_diffusers

        of_diffusers.set_verbosity_error()
        of_diffusers.disable_progress_bar()
    for kind in (FutureWarning, DeprecationWarning, UserWarning):
        warnings.filterwarnings("ignore", category=kind, module=rf"({'|'.join(_LIBRARIES)})(\.|$)")
