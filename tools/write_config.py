"""Write ``config.toml`` from the settings' own names, meanings, ranges and defaults.

Run ``python tools/write_config.py`` after a setting was added or changed; a test compares the two.
"""

from pathlib import Path

from tuiconsole.config import default_toml

REPOSITORY = Path(__file__).resolve().parent.parent


def main() -> None:
    """Write the file."""
    (REPOSITORY / "config.toml").write_text(default_toml(), encoding="utf-8")


if __name__ == "__main__":
    main()
