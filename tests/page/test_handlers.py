"""What a handler says: an expected error in words, any other hidden, and the end of a stream."""

from collections.abc import Iterator

import gradio as gr
import pytest

from backends.errors import BadInput
from ui.handlers import OURS, speaks_in


def test_an_expected_error_is_said_and_any_other_is_logged_and_hidden(caplog: pytest.LogCaptureFixture) -> None:
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
