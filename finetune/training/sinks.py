"""Other places where the numbers of a fine-tune go (ACR_REPORT_TO), through the Trainer's own integrations."""

import os
from importlib.util import find_spec
from pathlib import Path

from backends.errors import BadInput, Unavailable

#: the Trainer's name -> the package that it needs
PACKAGES = {"trackio": "trackio", "wandb": "wandb", "tensorboard": "tensorboard", "mlflow": "mlflow"}


def check(names: tuple[str, ...]) -> None:
    """Say before the training what could not be reported to."""
    for name in names:
        if name not in PACKAGES:
            raise BadInput(f"ACR_REPORT_TO: got {name[:40]!r}, choose from {', '.join(PACKAGES)}")
        if find_spec(PACKAGES[name]) is None:
            raise Unavailable(
                f"ACR_REPORT_TO asks for {name}, which is not installed: pip install {PACKAGES[name]}, "
                "or leave it out of ACR_REPORT_TO"
            )


def arguments(names: tuple[str, ...], run_name: str, folder: Path) -> dict[str, object]:
    """Arguments for TrainingArguments; what a sink writes to disk goes into the run folder."""
    if not names:
        return {"report_to": "none"}
    for variable, place in (("TENSORBOARD_LOGGING_DIR", "tensorboard"), ("WANDB_DIR", ""), ("TRACKIO_DIR", "trackio")):
        os.environ.setdefault(variable, str(folder / place))
    return {"report_to": list(names), "run_name": run_name, "project": "adapter-control-room"}
