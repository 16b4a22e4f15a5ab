"""RESULTS.md: one section for each measurement, under its heading; read here and written by `make bench`."""

from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def known() -> dict[str, str]:
    """The sections that RESULTS.md has, by heading."""
    text = RESULTS.read_text() if RESULTS.exists() else ""
    parts = (part.partition("\n") for part in text.split("\n## ")[1:])
    return {heading: body.strip() for heading, _, body in parts}
