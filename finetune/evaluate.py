"""`python -m finetune.evaluate RUN_DIR`: a whole test set through several systems, as a run like any other.

The report is made from the stored answers alone and written last. SIGTERM ends the run after the answer in progress;
a resume goes on from the answers that are there.
"""

import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from backends.engine_client import Engine
from backends.errors import AppError
from backends.files import write_json
from backends.settings import Settings, settings
from finetune.compare import seed_report
from finetune.runs.run_folder import EXIT_CLAIMED, AlreadyClaimed, RunFolder
from finetune.scoring.evaluation import Evaluation


class Stopped(BaseException):
    """SIGTERM came. Not an Exception: nothing on the way up may take it for a failure and go on."""


def run(folder: RunFolder, places: Settings) -> tuple[str, str]:
    """Answer, judge, write the report; returns status and reason."""
    started = time.monotonic()
    evaluation = Evaluation(folder, places)
    with Engine.start(places, (folder.job["engine"],), parallel=1, base=folder.job["base"]) as engine:
        engine.wait_ready(lambda what, fraction: folder.beat())
        evaluation.answer_all(engine)
    made = evaluation.report(time.monotonic() - started)
    write_json(folder.report_path, made)
    name = f"eval-{time.strftime('%Y%m%d-%H%M%S')}"
    stored = made | (seed_report.fields(made, name) if made.get("targets") else {})
    write_json(places.evaluations_dir / evaluation.task.name / f"{name}.json", stored)
    alone = "candidate" not in made and any(system.kind == "base" for system in evaluation.systems)
    if evaluation.task.targets and alone:
        baseline = seed_report.baseline(made)
        write_json(places.evaluations_dir / evaluation.task.name / seed_report.baseline_file(baseline), baseline)
    return "succeeded", made.get("verdict", "")


def main(path: str) -> int:
    folder = RunFolder(Path(path).resolve())
    try:
        folder.claim()
    except AlreadyClaimed as error:
        print(error, flush=True)
        return EXIT_CLAIMED
    signal.signal(signal.SIGTERM, _stop)
    started = time.monotonic()
    try:
        status, reason = run(folder, settings())
    except Stopped:
        status, reason = "cancelled", "Stopped; the answers so far are kept and a resume goes on from them"
    except Exception as error:
        status, reason = "failed", _explain(error)
    folder.write_exit({"status": status, "reason": reason, "seconds": round(time.monotonic() - started, 1)})
    return 0 if status == "succeeded" else 1


def _explain(error: Exception) -> str:
    if isinstance(error, AppError):
        return str(error)
    traceback.print_exception(error)
    return f"The evaluation broke with {type(error).__name__}. Its log has the details"


def _stop(*_: Any) -> None:
    raise Stopped


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m finetune.evaluate RUN_DIR")
    sys.exit(main(sys.argv[1]))
