"""The pure parts of the page: words, escaping, curves, figures, panels, launch settings, and what handlers say."""

import ast
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.base import AnswerReceipt, Chunk, Usage
from backends.catalog import EMBEDDED, base_named
from backends.errors import BadInput, Refused
from backends.settings import ROOT, Settings, from_env
from finetune import task_named
from finetune.scoring import report
from ui import html, owner, panels, server, words
from ui.views import answers, curve, plots, report_view, rows_view

TASK = task_named("complexity")
HOSTILE = """<script>alert(1)</script><img src=x onerror="alert(2)"> ${alert(3)} {{alert(4)}} 'quoted' """


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "unknown time"), (0.42, "0.4 s"), (12.3, "12 s"), (59.6, "1 min"), (200, "3 min 20 s"),
     (1260, "21 min"), (3900, "1 h 5 min"), (7200, "2 h")],
)  # fmt: skip
def test_durations_are_said_in_the_unit_that_fits(seconds: float | None, said: str) -> None:
    assert words.duration(seconds) == said


def test_time_left_is_said_no_finer_than_it_is_known() -> None:
    said = [words.time_left(s) for s in (None, 3, 40, 70, 200, 5400)]
    assert said == ["time left not known yet", "a few seconds left", "less than a minute left",
                    "about 1 minute left", "about 3 minutes left", "about 2 hours left"]  # fmt: skip


def test_an_unknown_figure_is_a_dash_and_never_a_zero() -> None:
    assert {words.number(None), words.number(math.nan), words.figure(None), words.figure({"value": None})} == {"–"}
    assert words.figure({"value": 1.418, "low": 1.2, "high": 1.66}) == "1.42 (1.20 to 1.66)"


def test_a_moment_is_said_in_utc_and_nonsense_is_silence() -> None:
    assert words.when("2026-11-21T03:07:00Z") == "21 Nov, 03:07 UTC"
    assert words.when("2026-11-21T04:07:00+01:00") == "21 Nov, 03:07 UTC"
    assert words.when("yesterday") == words.when(None) == ""


# -- HTML --------------------------------------------------------------------------------------------------------------


def test_text_from_anywhere_is_inert_in_every_helper() -> None:
    made = (
        html.el("p", HOSTILE, title=HOSTILE),
        html.sentence(HOSTILE),
        html.chip(HOSTILE, HOSTILE),
        html.table([HOSTILE], [[HOSTILE]], HOSTILE),
        html.progress(HOSTILE, 0.5),
        html.problem(HOSTILE),
        html.code(HOSTILE, HOSTILE),
        html.folded(HOSTILE, HOSTILE),
        html.facts([(HOSTILE, HOSTILE)]),
        html.empty(HOSTILE, HOSTILE),
    )
    for piece in made:
        assert "<script" not in piece and "<img" not in piece and '"alert' not in piece


def test_markup_is_kept_only_as_long_as_it_is_ours() -> None:
    ours = html.el("b", "x")
    assert html.join(ours) == "<b>x</b>"
    assert html.join(f"{ours}") == "&lt;b&gt;x&lt;/b&gt;"


def test_only_https_addresses_become_links() -> None:
    assert "href" not in html.link("terms", "javascript:alert(1)")
    assert 'href="https://ai.google.dev' in html.link("terms", "https://ai.google.dev/gemma/terms")


def test_no_file_but_ui_html_writes_markup() -> None:
    for path in (ROOT / "ui").rglob("*.py"):
        if path.name == "html.py":
            continue
        texts = (n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant))
        found = [t for t in texts if isinstance(t, str) and ("</" in t or t.lstrip().startswith("<"))]
        assert not found or "extra" in found[0], f"{path}: {found}"


# -- curves and figures ------------------------------------------------------------------------------------------------

LINES = [
    {"step": 0, "eval_loss": 2.1},
    {"step": 10, "loss": 1.9},
    {"step": 20, "loss": None, "eval_loss": 0.8},
    {"step": 30, "loss": 0.9},
    {"step": 40, "loss": 0.7, "eval_loss": 0.9},
]


def test_a_curve_keeps_gaps_the_baseline_and_the_best_point() -> None:
    read = curve.read([*LINES, {"seconds": 3}])
    assert read.train == ((10, 1.9), (20, None), (30, 0.9), (40, 0.7))
    assert read.baseline == 2.1
    assert read.best == (20, 0.8)
    assert curve.rows(read)[2] == ("20", "not a number", "0.800")


def test_the_sentence_says_what_the_curve_shows() -> None:
    said = "Eval loss fell from 2.10 before training to 0.80; best at step 20."
    assert curve.sentence(curve.read(LINES)) == f"{said} The 1 measurement after that did not beat it."
    assert curve.sentence(curve.read([])).startswith("No loss has been measured yet")
    assert "has not improved" in curve.sentence(curve.read([{"step": 0, "eval_loss": 1}, {"step": 9, "eval_loss": 2}]))


def test_a_long_curve_is_thinned_without_losing_a_spike_or_a_gap() -> None:
    points = [(step, 1.0) for step in range(20_000)]
    points[7_777], points[12_345], points[15_000] = (7_777, 99.0), (12_345, -99.0), (15_000, None)
    kept = plots.thin(points)
    assert len(kept) <= plots.MAX_POINTS
    assert {points[7_777], points[12_345], points[15_000]} <= set(kept)
    assert kept == sorted(kept, key=lambda point: point[0])


def test_a_smoothed_line_begins_at_the_first_loss_and_starts_anew_after_a_gap() -> None:
    assert plots.smooth([(1, 4.0), (2, None), (3, 2.0)]) == [(1, 4.0), (2, None), (3, 2.0)]


def test_the_loss_figure_is_small_and_says_everything_without_colour() -> None:
    figure = plots.loss_figure(curve.read(LINES))
    names = [trace.name for trace in figure.data]
    assert names == ["train loss", "eval loss", "best: 0.80 at step 20"]
    assert len({(t.line.dash, t.mode, t.marker.symbol) for t in figure.data}) == 3
    assert figure.data[0].y.dtype == "float32" and math.isnan(figure.data[0].y[1])
    assert len(json.dumps(figure.to_plotly_json(), default=list)) < 4_000, "a template came along"


def system(name: str, kind: str, value: float | None) -> dict:
    mae = {"value": value, "low": value and value - 0.2, "high": value and value + 0.2, "n": 9}
    return {"name": name, "title": name, "kind": kind, "n": 9, "metrics": {"mae": mae}}


def test_the_interval_figure_puts_the_best_system_on_top_and_leaves_out_what_has_no_figure() -> None:
    systems = [system("base", "base", 3.0), system("mine", "adapter", 1.0), system("mute", "trivial", None)]
    figure = plots.interval_figure(systems, "mae", "mean absolute error", "lower")
    assert [trace.y[0] for trace in figure.data] == ["base", "mine"]  # plotly draws upwards
    assert figure.data[1].error_x.array[0] == pytest.approx(0.2)


# -- panels and answers ------------------------------------------------------------------------------------------------


def test_every_task_names_a_panel_that_exists() -> None:
    from finetune import all_tasks

    assert {task.panel for task in all_tasks().values()} <= panels.panels().keys()


@pytest.mark.parametrize(("score", "band"), [(1.0, "Simple"), (3.0, "Simple"), (3.1, "Moderate"), (8.6, "Critical")])
def test_the_gauge_says_number_band_and_scale_in_words(score: float, band: str) -> None:
    shown = panels.result(TASK, score)
    assert f"JavaScript complexity: {score:.1f} on a scale from 1 to 10, {band}" in shown
    assert f">{score:.1f}</span>" in shown and f">{band}</strong>" in shown


def streamed(text: str, finish: str = "stop", adapter: str | None = "complexity") -> html.Html:
    given = AnswerReceipt("llama_cpp", EMBEDDED, adapter, "a1b2c3d4e5" if adapter else None, 1.0 if adapter else 0.0)
    chunks = [Chunk(text), Chunk(finish=finish, usage=Usage(5, 3, 0, 0.1, 0.4), receipt=given)]
    *_, last = answers.streamed(TASK, base_named(EMBEDDED), chunks)
    return last


def test_an_answer_ends_with_its_panel_its_receipt_in_words_and_the_raw_text() -> None:
    shown = streamed("4.2")
    assert "Moderate" in shown
    assert "Answered by adapter complexity (a1b2c3d4), scale 1.0, engine llama.cpp; 0.4 s" in shown
    assert "<summary>Raw answer</summary>" in shown


def test_the_base_alone_is_named_as_such() -> None:
    assert "Answered by the base alone (Gemma 3 270M" in streamed("4.2", adapter=None)


def test_an_unreadable_answer_is_refused_escaped_and_never_turned_into_a_score() -> None:
    shown = streamed(HOSTILE)
    assert "no readable answer" in shown and "<svg" not in shown
    assert "<script" not in shown and "<img" not in shown


def test_an_answer_that_a_limit_cut_is_not_shown_as_a_score() -> None:
    assert "cut at 3 tokens" in streamed("4.2", finish="length")


# -- data and reports --------------------------------------------------------------------------------------------------


def test_rows_are_summed_up_with_counts_labels_and_the_first_ones() -> None:
    rows = [{"code": f"function f{i}() {{}}", "score": 1.0 + i} for i in range(10)]
    first, said = rows_view.first_cells(TASK, rows[:8]), rows_view.labels(TASK, rows[:8])
    shown = rows_view.summary(TASK, "mine.csv", {"train": 8, "val": 2}, said, first)
    assert "Read 10 rows from mine.csv with the columns code, score: 8 to train on, 2 held out" in shown
    assert "score runs from 1 to 8" in shown
    assert shown.count("<tr>") == 1 + rows_view.FIRST


def test_labels_that_are_all_the_same_are_pointed_out() -> None:
    assert "nothing to learn" in rows_view.labels(TASK, [{"score": 5.0}, {"score": 5.0}])


def made_report() -> dict:
    rows = [{"code": f"function f() {{ return {i} }}", "score": float(i + 1)} for i in range(5)]
    mine = {i: TASK.score(row, f"{row['score']:.1f}" if i else HOSTILE) for i, row in enumerate(rows)}
    base = {i: TASK.score(row, "9.0") for i, row in enumerate(rows)}
    judged = [
        report.Judged(report.System("mine", "adapter mine", "adapter", "mine"), mine),
        report.Judged(report.System("base", "base, no examples", "base"), base),
    ]
    return report.build(TASK, judged, {"base": EMBEDDED, "engine": "llama_cpp", "seconds": 12.0})


def test_a_report_is_shown_with_verdict_counts_intervals_and_the_worst_row_first() -> None:
    made = made_report()
    table = report_view.rows_table(made, made["rows"], "Rows 1 to 5 of 5, worst first")
    shown = report_view.verdict(TASK, made) + table
    assert made["verdict"] in html.join(made["verdict"]) and "adapter better" in shown
    assert "mean absolute error" in shown and "<script" not in shown and "<img" not in shown
    first = table.split("<tbody>")[1]
    assert "no score in this answer" in first.split("</tr>")[0]


# -- who, errors, serving ----------------------------------------------------------------------------------------------

LOCAL = Settings(data_dir=Path("/tmp/acr"))
SPACE = from_env({"ACR_DATA_DIR": "/tmp/acr", "SPACE_ID": "someone/room"})


def test_everybody_is_local_off_a_space_and_nobody_is_nameless_on_one() -> None:
    assert owner.of(LOCAL, "", None) == "local"
    new = owner.known_or_new("")
    assert owner.known_or_new(new) == new
    assert re.fullmatch("visitor-[0-9a-f]{32}", owner.of(SPACE, new, None))
    assert len({owner.known_or_new("") for _ in range(9)}) == 9
    with pytest.raises(Refused, match="keeps no data"):
        owner.of(SPACE, "", None)


@pytest.mark.parametrize(
    "forged", ["local", "user-somebody", "visitor-00", "visitor-00.abc", ".", 7, None, ["local"], "é.é"]
)
def test_an_owner_that_this_app_did_not_sign_is_refused(forged: object) -> None:
    assert owner.known_or_new(forged) != forged
    with pytest.raises(Refused):
        owner.of(SPACE, forged, None)


def test_a_signature_is_good_for_its_own_visitor_only() -> None:
    first, second = owner.known_or_new(""), owner.known_or_new("")
    with pytest.raises(Refused):
        owner.of(SPACE, f"{first.partition('.')[0]}.{second.partition('.')[2]}", None)


def test_an_expected_error_is_said_and_any_other_is_logged_and_hidden(caplog: pytest.LogCaptureFixture) -> None:
    import gradio as gr

    from ui.handlers import OURS, speaks_in

    message, other = gr.HTML(), gr.HTML()

    @speaks_in(message, after={other: "end"}, failed={other: "broken"})
    def wrong(error: Exception | None) -> dict:
        if error:
            raise error
        return {other: "fine"}

    assert wrong(None) == {message: "", other: "end"}
    assert "line 7: &lt;b&gt;" in wrong(BadInput("line 7: <b>"))[message]
    secret = wrong(ValueError("/root/secret hf_abcdefghijklmnopqrstuvwxyz0123"))[message]
    assert OURS in secret and "/root" not in secret and "/root/secret" in caplog.text


def test_the_end_of_a_stream_says_all_that_was_said_before() -> None:
    """A browser that is busy draws only the last of several updates that come together."""
    import gradio as gr

    from ui.handlers import speaks_in

    message, one, other, stop = gr.HTML(), gr.HTML(), gr.HTML(), gr.HTML()

    @speaks_in(message, after={stop: "off"}, failed={other: "broken"})
    def told(error: Exception | None) -> Iterator[dict]:
        yield {one: "first"}
        yield {one: "last", other: "seen"}
        if error:
            raise error

    assert list(told(None))[-1] == {message: "", one: "last", other: "seen", stop: "off"}
    ended = list(told(BadInput("line 7")))[-1]
    assert "line 7" in ended[message] and (ended[one], ended[other], ended[stop]) == ("last", "broken", "off")


def test_a_stream_that_is_closed_closes_what_it_reads_from() -> None:
    import gradio as gr

    from ui.handlers import speaks_in

    ended, message = [], gr.HTML()

    @speaks_in(message)
    def endless() -> Iterator[dict]:
        try:
            while True:
                yield {}
        finally:
            ended.append(True)

    stream = endless()
    assert next(stream) == {message: ""}
    stream.close()
    assert ended == [True]


def test_off_a_space_the_page_is_for_this_machine_only() -> None:
    told = server.launch_settings(LOCAL)
    assert "server_name" not in told and told["share"] is False
    assert told["allowed_paths"] == [] and told["blocked_paths"] == ["/tmp/acr"]
    assert not (told["run_history"] or told["enable_monitoring"] or told["show_error"] or told["mcp_server"])
    hosts = [m.kwargs.get("allowed_hosts") for m in told["app_kwargs"]["middleware"]][-1]
    assert set(hosts) == {"localhost", "127.0.0.1", "[::1]"}
    assert server.QUEUE["max_size"] == 64


def test_a_space_may_be_opened_under_any_host_and_framed_by_the_hub_only() -> None:
    told = server.launch_settings(SPACE)
    headers, _ = told["app_kwargs"]["middleware"]
    assert headers.kwargs["framed_by"] == "https://huggingface.co https://*.huggingface.co"
    assert told["max_file_size"] == 20 << 20


@pytest.mark.parametrize(("host", "status"), [("localhost:7860", 200), ("evil.example", 400), ("[::1]:7860", 200)])
def test_a_foreign_host_name_is_refused_and_every_answer_has_the_headers(host: str, status: int) -> None:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    from starlette.testclient import TestClient

    page = Starlette(
        routes=[Route("/", lambda request: PlainTextResponse("page"))], middleware=server.middleware(LOCAL)
    )
    answer = TestClient(page).get("/", headers={"host": host})
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
