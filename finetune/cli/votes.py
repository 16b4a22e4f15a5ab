"""`votes tally|export|judge REPORT`: what people preferred in a blind vote, as figures and as preference pairs."""

import argparse
from pathlib import Path
from typing import Any

from backends.catalog import base_named
from backends.errors import BadInput, NotFound
from backends.files import dump_json, read_json
from backends.settings import settings
from finetune.cli.common import DONE, Ticker, base_asked, command, emit
from finetune.compare.votes import ballots, judge, pairs, preferences, tally
from finetune.compare.votes.pairs import Comparison
from finetune.rows import data


def add(commands: Any) -> None:
    about = "votes on the two systems of a report, or on two panes"
    group = commands.add_parser("votes", help=about).add_subparsers(required=True, metavar="ACTION")
    for name, handler, words in (
        ("tally", count, "who was preferred, with intervals, side bias and agreement"),
        ("export", export, "preference pairs, as TRL's DPOTrainer loads them"),
        ("judge", ask_judge, "let a model of the server in ACR_OPENAI_URL judge the same pairs, in both orders"),
    ):
        one = command(group, name, handler, words)
        one.add_argument("report", metavar="REPORT", help="a report file, or the folder of votes on two panes")
    group.choices["export"].add_argument("--out", type=Path, metavar="F", help="write JSONL there")
    group.choices["export"].add_argument("--chat", action="store_true", help="as conversations, for chat templates")
    group.choices["judge"].add_argument("--model", metavar="M", help="default: ACR_OPENAI_MODEL")
    group.choices["judge"].add_argument("--sample", type=int, metavar="N", help="only the first N pairs")
    group.choices["judge"].set_defaults(engine="openai_http")


def count(args: argparse.Namespace) -> int:
    name = _id(args.report)
    poll = ballots.poll(settings(), name)
    found = tally.tally(poll) | {"judges": judge.summary(settings(), name, tally.settled(poll))}
    emit(args, found, words(found))
    return DONE


def export(args: argparse.Namespace) -> int:
    poll = ballots.poll(settings(), _id(args.report))
    made = preferences.preferences(settings(), poll, chat=args.chat)
    if not made:
        raise NotFound("No vote prefers one of the two, so there is no pair to export yet")
    if args.out:
        data.write_rows(args.out, made)
        emit(args, {"pairs": len(made), "out": str(args.out)}, f"Wrote {len(made)} pairs to {args.out}")
    else:
        emit(args, made, "\n".join(map(dump_json, made)))
    return DONE


def ask_judge(args: argparse.Namespace) -> int:
    comparison, ticker = _comparison(args.report), Ticker()
    model = base_named(base_asked(args)).title
    judge.judge(settings(), comparison, model, lambda n, total: ticker(f"judged {n} of {total}"), args.sample)
    ticker.done()
    try:
        people = tally.settled(ballots.poll(settings(), comparison.id))
    except NotFound:
        people = {}
    found = judge.summary(settings(), comparison.id, people)
    emit(args, found, "\n".join(judge_words(one) for one in found))
    return DONE


def _comparison(given: str) -> Comparison:
    report = read_json(Path(given))
    if not isinstance(report, dict) or "rows" not in report:
        raise BadInput(f"{given[:200]} is no report: name a file of DATA_DIR/evaluations or a run's report.json")
    return pairs.of_report(report)


def _id(given: str) -> str:
    """The comparison of a report, or a folder of votes by its name."""
    folder = ballots.folder(settings()) / Path(given).name
    return folder.name if folder.is_dir() else _comparison(given).id


def words(found: dict[str, Any]) -> str:
    side, own, others = found["side"], found["self_agreement"], found["between_voters"]
    lines = [
        found["sentence"],
        f"{found['items']} questions, {found['votes']} votes of {found['voters']} voters, {found['void']} void; "
        f"both equally good {found['tie']}, both bad {found['both_bad']}; sign test p {found['sign_test_p']:.3g}",
        f"Left side chosen: {_share(side['left'])}, p {side['p']:.3g}",
        f"The same vote when a pair came again with its sides swapped: {_share(own)}",
        f"The same vote of two voters: {_agreement(others)}",
    ]
    return "\n".join(lines + [judge_words(one) for one in found["judges"]])


def judge_words(one: dict[str, Any]) -> str:
    preferred = ", ".join(f"{name} {n}" for name, n in one["preferred"].items()) or "nothing"
    return (
        f"Judge {one['model']}: {one['items']} pairs, preferred {preferred}; no verdict in {one['no_verdict']}, "
        f"{one['unreadable']} of them unreadable, else it hung on the order; agrees with people: "
        + _agreement(one["agreement"])
    )


def _share(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "not known yet"
    value, low, high = (100 * figure[key] for key in ("value", "low", "high"))
    return f"{value:.0f} % ({low:.0f} to {high:.0f}, n={figure['n']})"


def _agreement(figure: dict[str, Any]) -> str:
    kappa = "" if figure["kappa"] is None else f", Cohen's kappa {figure['kappa']:.2f}"
    return _share(figure) + kappa
