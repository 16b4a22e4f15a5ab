"""The fault-injection set on both engines: which check caught each fault, and what is said against what ships."""

import tempfile
from dataclasses import replace
from pathlib import Path

from backends.bases import embedded
from backends.settings import Settings
from tests import injected
from tests.injected import NONE, Outcome


def outcomes(settings: Settings, backend: str) -> tuple[list[Outcome], list[str]]:
    """Every fault on one engine, in a data folder of its own with the prepared base; then the false alarms."""
    embedded.prepare_weights(settings, lambda what, fraction: None)
    with tempfile.TemporaryDirectory() as folder:
        place = replace(settings, data_dir=Path(folder))
        place.bases_dir.symlink_to(settings.bases_dir.resolve())
        with injected.bench(place, backend) as at:
            return [run(at) for run in injected.FAULTS.values()], injected.false_alarms(at)


def measure(settings: Settings) -> str:
    lines = ["| fault | engine | caught by | in words |", "|---|---|---|---|"]
    slipped, alarms = [], []
    for backend in injected.ENGINES:
        found, said = outcomes(settings, backend)
        slipped += [one for one in found if one.check == NONE]
        alarms += said
        lines += [f"| {one.fault} | {one.engine} | {one.check} | {one.sentence or '–'} |" for one in found]
    count = len(injected.FAULTS) * len(injected.ENGINES)
    caught = f"{count - len(slipped)} of {count} as they must be; false alarms on shipped adapters: {len(alarms)}."
    return "\n".join([*lines, "", caught, *alarms])
