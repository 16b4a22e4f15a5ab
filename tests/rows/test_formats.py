"""finetune/formats: each named format is the seed's text, letter for letter, and no text of a person opens a turn."""

from typing import Any

import pytest

from backends import catalog
from backends.base import Segment
from backends.errors import BadInput, Refused
from backends.settings import Settings
from finetune import formats
from finetune.formats.templates import TEMPLATES
from finetune.formats.wording import Wording
from tests.backends.test_chat import base_folder, some_task, text_of

SYSTEM = "You are a helpful environmental expert."
#: copied from formats.md section 6: with an input, without one
SEED = {
    "alpaca": (
        "Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n",  # noqa: E501
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n### Response:\n",  # noqa: E501
    ),
    "chatml": (
        "<|im_start|>system\nYou are a helpful environmental expert.<|im_end|>\n<|im_start|>user\n{instruction}\n\nContext: {input}<|im_end|>\n<|im_start|>assistant\n",  # noqa: E501
        "<|im_start|>system\nYou are a helpful environmental expert.<|im_end|>\n<|im_start|>user\n{instruction}<|im_end|>\n<|im_start|>assistant\n",  # noqa: E501
    ),
    "llama2": (
        "[INST] <<SYS>>\nYou are a helpful environmental expert.\n<</SYS>>\n\n{instruction}\n\nContext: {input} [/INST] ",  # noqa: E501
        "[INST] <<SYS>>\nYou are a helpful environmental expert.\n<</SYS>>\n\n{instruction} [/INST] ",
    ),
    "phi": (
        "Instruct: {instruction}\nInput: {input}\nOutput: ",
        "Instruct: {instruction}\nOutput: ",
    ),
}
#: copied from formats.md 5.2, without the answer
OBSERVER = "<|im_start|>system\n{instruction}<|im_end|>\n<|im_start|>user\n{input}<|im_end|>\n<|im_start|>assistant\n"
#: as the models' own templates write them; the tokenizer puts the one BOS first
LLAMA3 = (
    "<|start_header_id|>system<|end_header_id|>\n\nBe short.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nWhat?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
)
GEMMA = "<start_of_turn>user\nBe short.\n\nWhat?<end_of_turn>\n<start_of_turn>model\n"

ROW = {"text": "What is {x}?", "tone": "a $1 \\1 input"}
MARKS = sorted({mark for template in TEMPLATES.values() for mark in template.tokens})


def made(name: str, special: bool = True, **texts: str | None) -> Any:
    """A format on a base that has all of its tokens, or none."""
    texts = {"user": "{text}", "context": "{tone}"} | texts
    return TEMPLATES[name].on(lambda mark: special, Wording(**texts))


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("name", SEED)
def test_a_seeds_format_is_its_text_letter_for_letter(name: str, special: bool) -> None:
    system = SYSTEM if SYSTEM in SEED[name][0] else ""
    for row, wanted in zip((ROW, ROW | {"tone": ""}), SEED[name], strict=True):
        text = text_of(made(name, special, system=system).prompt(some_task(), row))
        assert text == wanted.replace("{instruction}", row["text"]).replace("{input}", row["tone"])


def test_the_observers_rendered_text_is_chatml_with_its_instruction_as_system() -> None:
    text = text_of(made("chatml", system="Rate.", context=None).prompt(some_task(), ROW))
    assert text == OBSERVER.replace("{instruction}", "Rate.").replace("{input}", ROW["text"])


@pytest.mark.parametrize(("name", "wanted"), [("llama3", LLAMA3), ("gemma", GEMMA)])
def test_the_formats_of_llama_and_gemma_are_those_of_the_models(name: str, wanted: str) -> None:
    fmt = made(name, system="Be short.", context=None)
    assert text_of(fmt.prompt(some_task(), {"text": "What?", "tone": ""})) == wanted


@pytest.mark.parametrize("name", TEMPLATES)
def test_without_a_system_text_there_is_no_system_turn(name: str) -> None:
    text = text_of(made(name, system="", context=None).prompt(some_task(), ROW))
    assert "system" not in text and "SYS" not in text
    assert not text.startswith("\n")


@pytest.mark.parametrize("name", ["alpaca", "phi"])
def test_a_format_without_a_place_for_a_system_text_takes_it_as_the_instruction(name: str) -> None:
    text = text_of(made(name, system="Sum it up.", context=None).prompt(some_task(), ROW))
    assert text == SEED[name][0].replace("{instruction}", "Sum it up.").replace("{input}", ROW["text"])


def test_the_words_of_the_task_are_used_where_no_others_are_given() -> None:
    fmt = TEMPLATES["alpaca"].on(lambda mark: False, Wording())
    text = text_of(fmt.prompt(some_task(), {"text": "a b", "tone": "dry"}))
    assert "### Instruction:\nSay it in short.\n\n### Input:\nText:\na b\nTone:\ndry\n\n### Response:\n" in text


@pytest.mark.parametrize("name", TEMPLATES)
def test_only_the_templates_own_marks_are_special_tokens(name: str) -> None:
    attack = "".join(MARKS) + "<bos><eos>"
    fmt = made(name, system="s")
    honest = fmt.prompt(some_task(), ROW)
    attacked = fmt.prompt(some_task(), {"text": attack, "tone": attack})
    assert [s.text for s in attacked if s.special] == [s.text for s in honest if s.special]
    assert {s.text for s in honest if s.special} <= set(TEMPLATES[name].tokens)


@pytest.mark.parametrize("name", TEMPLATES)
def test_marks_that_are_mere_text_cannot_be_typed(name: str) -> None:
    """On a base without the tokens, and for formats that have none, the template's words appear as often as before."""
    words = [*TEMPLATES[name].tokens, "### Response:", "### Instruction:", "### Input:", "[INST]", "[/INST]"]
    words += ["<<SYS>>", "<</SYS>>", "\nOutput:", "\nInput:", "\nInstruct:"]
    fmt = made(name, special=False, system="s")
    honest = text_of(fmt.prompt(some_task(), ROW))
    marks = [word for word in words if word in honest]
    attack = f"x{''.join(words)}"
    attacked = text_of(fmt.prompt(some_task(), {"text": attack, "tone": attack}))
    assert marks
    assert {mark: attacked.count(mark) for mark in marks} == {mark: honest.count(mark) for mark in marks}


@pytest.mark.parametrize(
    ("name", "end", "between"),
    [
        ("chatml", "<|im_end|>", (Segment("<|im_end|>", special=True), Segment("\n"))),
        ("llama3", "<|eot_id|>", (Segment("<|eot_id|>", special=True),)),
        ("gemma", "<end_of_turn>", (Segment("<end_of_turn>", special=True), Segment("\n"))),
        ("alpaca", None, (Segment("\n\n"),)),
        ("llama2", None, (Segment("\n\n"),)),
        ("phi", None, (Segment("\n\n"),)),
    ],
)
def test_an_answer_ends_with_the_formats_token_where_the_base_has_it(name: str, end: Any, between: Any) -> None:
    assert (made(name).end, made(name).between) == (end, between)
    assert made(name, special=False).end is None  # then the base's own end-of-text token


def test_a_name_that_is_no_format_is_refused_with_those_that_are(settings: Settings) -> None:
    with pytest.raises(BadInput, match="no prompt format 'vicuna'; known: chat, plain, alpaca"):
        formats.named("vicuna", catalog.base_named(catalog.EMBEDDED), settings)


def test_the_stamp_of_an_adapter_is_enough_to_ask_it_as_it_was_trained(settings: Settings) -> None:
    base = catalog.base_named("qwen3-0.6b")
    base_folder(settings.bases_dir / base.name, "{{ messages }}")
    wording = Wording(system="Rate {it}.", user="SAID: {text}")
    trained = formats.named("plain", base, settings, wording)
    card = {"format": formats.stamp(some_task(), trained)}
    asked = formats.of_card(card, base, settings)
    assert asked == trained
    formats.check_stamp(some_task(), asked, card, "a")
    with pytest.raises(Refused, match="plain/sum"):
        formats.check_stamp(some_task(), formats.of_card({"format": {"id": "plain/sum"}}, base, settings), card, "a")


def test_stamps_tell_formats_and_wordings_apart() -> None:
    stamps = [formats.stamp(some_task(), made(name)) for name in TEMPLATES]
    stamps += [
        formats.stamp(some_task(), made("chatml", system="s")),
        formats.stamp(some_task(), made("chatml", False)),
    ]
    assert len({stamp["sha256"] for stamp in stamps}) == len(stamps)
    assert formats.stamp(some_task(), made("phi"))["id"] == "phi/sum"


def test_a_wording_that_is_no_text_is_refused(settings: Settings) -> None:
    with pytest.raises(BadInput, match=r"format\.system: a text is needed, this is list"):
        formats.of_card({"format": {"id": "plain/sum", "system": []}}, catalog.base_named("phi-2"), settings)


@pytest.mark.model
def test_the_embedded_base_knows_gemmas_tokens_and_not_those_of_others(base_settings: Settings) -> None:
    base = catalog.base_named(catalog.EMBEDDED)
    assert formats.named("gemma", base, base_settings).end == "<end_of_turn>"
    assert formats.named("chatml", base, base_settings).end is None
