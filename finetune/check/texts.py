"""Checks of a row's own text: what should not be learned, and what was broken on its way into the file."""

import re

from finetune.check import mojibake, private
from finetune.check.finding import RowCheck, Seen

#: C0 without tab and line ends, DEL, C1, marks that turn the direction of text, byte order marks inside a text
CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
ROLE = re.compile(
    r"<\|[a-z_]+\|>"
    r"|<(?:start|end)_of_turn>|<(?:bos|eos)>|(?<![\w\]])\[/?INST\]|<</?SYS>>"
    r"|^#{2,3} (?:Instruction|Response|Input):[ \t]*$",
    re.MULTILINE,
)
#: a whole field that stands for one that was never written
EMPTY_WORDS = re.compile(
    r"(?:todo|tbd|tba|fixme|xxx+|n/?a|#n/a|null|nan|undefined|placeholder|asdf\w*|foo ?bar|test(?: ?answer)?|none given"
    r"|to be (?:done|determined|added|filled(?: in)?)|(?:your |insert )?(?:answer|text|response|output)(?: goes)? here"
    r"|not available|no answer|\(none\)|[.…\-–—_?*]+)[.!:]?",
    re.IGNORECASE,
)
FILLER = re.compile(r"lorem ipsum|dolor sit amet", re.IGNORECASE)
#: a sentence that begins so; in a comment of code it is ordinary
UNDONE = re.compile(r"(?:^|[.!?]\s+)(?:(?:TODO|TBD|FIXME):|(?:TODO|TBD|FIXME) [a-z])", re.MULTILINE)
SLOT = re.compile(
    r"[\[<{]{1,3}\s{0,3}(?:insert|enter|your|add|put|fill in|placeholder)\b[^\]>}\n]{0,60}[\]>}]+"
    r"|\{\{[^{}\n]{1,60}\}\}",
    re.IGNORECASE,
)
NOTES = re.compile(
    r"<<[^<>\n]{1,80}=[^<>\n]{1,40}>>|【[^】\n]{1,40}】|:contentReference\[|oaicite|\[citation needed\]", re.I
)


def checks() -> list[RowCheck]:
    return [
        RowCheck(
            "placeholder",
            _placeholder,
            "a field that stands for a text which was never written (TODO, N/A, lorem ipsum, '...'): write it or "
            "remove the row.",
        ),
        RowCheck(
            "personal_data",
            lambda row: private.personal(row.text),
            "likely personal data (e-mail address, phone, card or account number), which a trained adapter may repeat: "
            "replace or remove it.",
        ),
        RowCheck(
            "secret",
            lambda row: private.secret(row.text),
            "a key or password, which a trained adapter may repeat: remove it, and withdraw the key.",
            mend=private.without_secrets,
            fix="keys are replaced by ***",
        ),
        RowCheck(
            "encoding",
            lambda row: mojibake.broken(row.text),
            "text that was saved in one encoding and read in another (Ã© for é, or �).",
            mend=mojibake.mended,
            fix="letters that can be told are restored",
        ),
        RowCheck(
            "control_characters",
            lambda row: CONTROL.search(row.text),
            "characters that nobody sees (NUL, escape codes, marks that turn the direction of text).",
            mend=without_control,
            fix="they are removed; line ends and tabs stay",
        ),
        RowCheck(
            "role_tokens",
            _marked,
            "marks of a chat format inside the text (<|im_start|>, [INST], </s>): they are read as plain text, and "
            "the adapter may learn to write them.",
            mend=without_outer_marks,
            fix="marks at the beginning and end of a text are removed",
        ),
        RowCheck(
            "annotations",
            lambda row: NOTES.search(row.answer),
            "an answer with annotations that are not meant for readers (<<2*3=6>>, 【source】).",
            "note",
        ),
    ]


def without_control(text: str) -> str:
    return CONTROL.sub("", text)


def without_outer_marks(text: str) -> str:
    """`<s>Hello</s>` becomes `Hello`; a mark in the middle may be what the text is about."""
    bare = text.strip()
    if _closed(text) or (bare.startswith("<s>") and "</s>" not in bare):
        bare = bare.removeprefix("<s>").removesuffix("</s>")
    start, end, found = 0, len(bare), list(ROLE.finditer(bare))
    for mark in found:
        if not bare[start : mark.start()].strip():
            start = mark.end()
    for mark in reversed(found):
        if mark.start() >= start and not bare[mark.end() : end].strip():
            end = mark.start()
    inner = bare[start:end].strip()
    return text if inner == text.strip() else inner


def _closed(text: str) -> bool:
    """`</s>` closes the text; a pair of `<s>` and `</s>` inside is a struck-through word of HTML."""
    bare = text.strip()
    around = bare.startswith("<s>") and bare.endswith("</s>") and bare.count("<s>") == 1
    return around or ("</s>" in bare and "<s>" not in bare)


def _placeholder(row: Seen) -> bool:
    return any(map(_never_written, row.fields))


def _never_written(text: str) -> bool:
    if EMPTY_WORDS.fullmatch(text.strip()) or FILLER.search(text) or UNDONE.search(text):
        return True
    slot = SLOT.search(text)  # a text may speak of a slot; a text that is little else was never filled
    return slot is not None and 2 * len(slot[0]) >= len(text.strip())


def _marked(row: Seen) -> bool:
    if not any(sign in row.text for sign in "<[#"):
        return False
    return ROLE.search(row.text) is not None or any(map(_closed, row.fields))
