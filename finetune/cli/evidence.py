"""`evidence RUN|REPORT --out DIR` and `evidence check FILE`: a page that can be believed, and the proof that it can."""

import argparse
from pathlib import Path
from typing import Any

from backends.errors import BadInput
from backends.settings import settings
from finetune.cli import runs
from finetune.cli.common import DONE, FAILED, command, emit

#: differences that are spelled out for a person; --json has them all
SHOWN = 20


def add(commands: Any) -> None:
    about = "one static page and one JSON of a comparison or a run; `evidence check FILE` computes every figure again"
    one = command(commands, "evidence", evidence, about)
    one.add_argument("what", nargs="+", metavar="RUN|REPORT|check FILE")
    one.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder for evidence.html and .json")


def evidence(args: argparse.Namespace) -> int:
    match args.what:
        case ["check", file]:
            return _check(args, Path(file))
        case [one]:
            return _make(args, one)
    raise BadInput("Give one run or one report, or `check` and one file")


def _make(args: argparse.Namespace, given: str) -> int:
    from finetune.compare import evidence as made_of
    from finetune.compare.evidence import check

    path, places = Path(given), settings()
    made = made_of.of_file(places, path) if path.is_file() else made_of.of_run(places, runs.find(given).run)
    written = [str(file) for file in made_of.write(made, args.out)]
    found = check.differences(made)
    emit(args, {"files": written, "differences": found}, "\n".join([f"Wrote {' and '.join(written)}", *_words(found)]))
    return DONE


def _check(args: argparse.Namespace, file: Path) -> int:
    from finetune.compare.evidence import check

    found = check.differences(check.read(file, settings()))
    emit(args, {"equal": not found, "differences": found}, "\n".join(_words(found)))
    return FAILED if found else DONE


def _words(found: list[str]) -> list[str]:
    if not found:
        return ["Equal: every figure comes again from the rows, points and votes in the file."]
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return [f"{len(found)} figures do not come again from the rows in the file:", *found[:SHOWN], *more]
