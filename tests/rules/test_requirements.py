"""What is installed: floors that close known holes, ranges that a Space can satisfy, pins that fit them."""

from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from backends.settings import ROOT

#: lowest versions without a known hole (transformers: code from config.json; torch: weights_only; gradio: many)
FLOORS = {"gradio": "6.24", "transformers": "5.3", "torch": "2.6", "peft": "0.21.2", "spaces": "0.51", "plotly": "6.5"}
#: what a ZeroGPU Space brings itself
SPACE = {"torch": "2.11.0", "gradio": "6.31.0", "huggingface-hub": "2.4.0", "spaces": "0.51.3"}
SPACE_PYTHON = "3.12.12"


def requirements(name: str) -> dict[str, Requirement]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return {key(need.name): need for need in map(Requirement, filter(None, lines))}


def key(name: str) -> str:
    return name.lower().replace("_", "-")


def lowest(needs: SpecifierSet) -> str:
    return next(part.version for part in needs if part.operator in (">=", "==", "~="))


@pytest.mark.parametrize("name", FLOORS)
def test_no_version_with_a_known_hole_is_allowed(name: str) -> None:
    allowed = requirements("requirements.txt")[name].specifier
    assert SpecifierSet(f">={FLOORS[name]}").contains(lowest(allowed))


@pytest.mark.parametrize("name", [name for name in SPACE if name in requirements("requirements.txt")])
def test_the_versions_of_a_space_are_allowed(name: str) -> None:
    allowed = requirements("requirements.txt")[name].specifier
    assert SPACE[name] in allowed
    assert not [part for part in allowed if part.operator == "=="]


def test_plotly_stays_with_the_one_that_gradio_draws() -> None:
    assert "7.0.0" not in requirements("requirements.txt")["plotly"].specifier


def test_every_pin_lies_in_the_range_of_the_requirements() -> None:
    wanted = requirements("requirements.txt")
    for name, pin in requirements("constraints.txt").items():
        exact = lowest(pin.specifier)
        assert [part.operator for part in pin.specifier] == ["=="], name
        assert name not in wanted or exact in wanted[name].specifier, name


def test_the_pins_are_what_these_tests_ran_with() -> None:
    pins = requirements("constraints.txt")
    installed = {name: metadata.version(name).split("+")[0] for name in pins}
    assert installed == {name: lowest(pin.specifier) for name, pin in pins.items()}


def test_our_libraries_go_together_with_what_a_space_brings() -> None:
    """Every library that requirements.txt brings in, asked what it needs on Python 3.12 beside the Space's own."""
    place = {"python_version": "3.12", "python_full_version": SPACE_PYTHON, "extra": ""}
    refused, todo, seen = [], list(requirements("requirements.txt")), set()
    while todo:
        name = todo.pop()
        if name in seen or name == "torch":  # its own needs change with its version
            continue
        seen.add(name)
        about = metadata.metadata(name)
        if SPACE_PYTHON not in SpecifierSet(about.get("Requires-Python") or ""):
            refused.append(f"{name} does not run on Python {SPACE_PYTHON}")
        for need in map(Requirement, metadata.requires(name) or ()):
            if need.marker and not need.marker.evaluate(place):
                continue
            if key(need.name) in SPACE and SPACE[key(need.name)] not in need.specifier:
                refused.append(f"{name} needs {need}")
            todo.append(key(need.name))
    assert not refused
