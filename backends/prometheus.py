"""The figures of backends/measured.py in Prometheus' text format, version 0.0.4."""

from collections.abc import Iterable, Iterator, Mapping

from backends.measured import Figures, Key, Seconds, Snapshot, Table

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
QUANTILES = (0.5, 0.95)

Sample = tuple[str, Mapping[str, str], float]  # suffix of the name, labels, value


def text(now: Snapshot) -> str:
    """Every figure of a snapshot; counters run since the start, `acr_last_hour_*` are of the last 60 minutes."""
    parts = [
        _family("acr_up_seconds", "gauge", "Seconds since the app started", [("", {}, now.seconds)]),
        _family("acr_memory_bytes", "gauge", "Memory that a process holds", _by("process", now.memory)),
        _family("acr_queue_running", "gauge", "Answers being made", _by("engine", _column(now.queues, 0))),
        _family("acr_queue_waiting", "gauge", "Requests that wait", _by("engine", _column(now.queues, 1))),
        _family("acr_answers_total", "counter", "Requests by how they ended", _outcomes(now.all)),
        _family("acr_shared_total", "counter", "Requests answered by another one's answer", _each(now.all, "shared")),
        _family("acr_tokens_total", "counter", "Tokens written", _each(now.all, "tokens")),
        _family("acr_engine_seconds_total", "counter", "Seconds of writing them", _each(now.all, "engine_seconds")),
        _family("acr_answer_seconds", "summary", "From an answer's turn to its end", _answers(now.all, whole=True)),
        _family("acr_waited_seconds", "summary", "From asking to the turn", _waited(now.all)),
        _family("acr_last_hour_answer_seconds", "gauge", "The same, last hour", _answers(now.hour, whole=False)),
    ]
    return "".join(parts)


def _family(name: str, kind: str, about: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{suffix}{_labels(labels)} {value:.10g}" for suffix, labels, value in samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    quoted = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{','.join(quoted)}}}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _by(label: str, values: Mapping[str, float]) -> Iterator[Sample]:
    return (("", {label: name}, value) for name, value in values.items())


def _column(queues: Mapping[str, tuple[int, int]], at: int) -> dict[str, float]:
    return {engine: lengths[at] for engine, lengths in queues.items()}


def _of(key: Key) -> dict[str, str]:
    return {"engine": key.engine, "base": key.base, "adapter": key.adapter}


def _each(table: Table, name: str) -> Iterator[Sample]:
    return (("", _of(key), getattr(figures, name)) for key, figures in sorted(table.items()))


def _outcomes(table: Table) -> Iterator[Sample]:
    for key, figures in sorted(table.items()):
        for outcome, count in sorted(figures.outcomes.items()):
            yield "", _of(key) | {"outcome": outcome}, count


def _answers(table: Table, whole: bool) -> Iterator[Sample]:
    for key, figures in sorted(table.items()):
        for start, seconds in _starts(figures):
            yield from _summary(_of(key) | {"start": start}, seconds, whole)


def _starts(figures: Figures) -> Iterator[tuple[str, Seconds]]:
    return (pair for pair in (("warm", figures.warm), ("cold", figures.cold)) if pair[1].count)


def _waited(table: Table) -> Iterator[Sample]:
    for key, figures in sorted(table.items()):
        yield from _summary(_of(key), figures.waited, whole=True)


def _summary(labels: dict[str, str], seconds: Seconds, whole: bool) -> Iterator[Sample]:
    for share in QUANTILES:
        if (value := seconds.quantile(share)) is not None:
            yield "", labels | {"quantile": str(share)}, value
    if whole:
        yield "_sum", labels, seconds.total
        yield "_count", labels, seconds.count
