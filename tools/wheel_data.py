"""Build hook: ship the repository's themes and default settings inside the wheel.

In an installed wheel they lie beside the code, and are reached with ``importlib.resources.files``:

* ``themes/``     -> ``tuiconsole/themes_packaged/``
* ``config.toml`` -> ``tuiconsole/config_default.toml``

An editable install ships neither, because there the repository itself is at hand and a copy would go stale.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGED = {"themes": "tuiconsole/themes_packaged", "config.toml": "tuiconsole/config_default.toml"}


class WheelData(BuildHookInterface[Any]):
    """Adds the packaged data to every wheel but an editable one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Map each data path of the repository to its place in the wheel."""
        if version == "editable":
            return
        for source, inside in PACKAGED.items():
            build_data["force_include"][str(Path(self.root, source))] = inside
