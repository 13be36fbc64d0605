"""What keeps a botocore session from reading the environment and the user's files."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.loaders import Loader


def variables(region: str) -> dict[str, tuple[Any, ...]]:
    """All session variables with neither a name in the environment nor one in a configuration file: their defaults."""
    defaults = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    return defaults | {
        "region": (None, None, region, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
        "ignore_configured_endpoint_urls": (None, None, True, None),
    }


@cache
def loader() -> Loader:
    """Botocore's own models, without those in the user's home. Kept: they take longest to load, and never change."""
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
