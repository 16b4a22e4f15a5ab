"""`python -m finetune.generators TASK [--seed N]`: write examples/TASK/{train,val,test}.jsonl."""

import argparse
import sys

from backends.errors import AppError, BadInput
from finetune import examples, task_named
from finetune.rows import data

SPLITS = ("train", "val", "test")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m finetune.generators", description=__doc__)
    parser.add_argument("task", metavar="TASK")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        write(args.task, args.seed)
    except AppError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def write(name: str, seed: int) -> None:
    task = task_named(name)
    if task.generate is None:
        raise BadInput(f"Task {name} has no generator")
    for split in SPLITS:
        rows = list(task.generate(split, seed))
        path = examples.FOLDER / name / f"{split}.jsonl"
        data.write_rows(path, rows)
        print(f"{path}: {len(rows)} rows", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
