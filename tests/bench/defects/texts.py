"""Defects inside a text, and what looks like them but is none. Keys are made up on the spot: no file holds one."""

import string
from random import Random

from tests.bench.defects.change import Change, instead, one_of, woven


def letters(chance: Random, count: int, kind: str = string.ascii_letters + string.digits) -> str:
    """A made-up key: it holds a digit, as keys do."""
    return "".join(chance.choice(kind) for _ in range(count - 2)) + chance.choice("23456789") + chance.choice(kind)


def card(chance: Random) -> str:
    digits = chance.choice("45") + str(chance.randint(1, 5)) + "".join(chance.choice(string.digits) for _ in range(13))
    for last in string.digits:
        doubled = [int(d) * (2 - i % 2) for i, d in enumerate(digits + last)]
        if sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0:
            return chance.choice(("", " ", "-")).join((digits + last)[i : i + 4] for i in range(0, 16, 4))
    raise AssertionError


def personal(chance: Random) -> str:
    name = chance.choice(("anna.berger", "j.okafor", "li_wei88", "m+shop", "Pedro.Nunes"))
    place = chance.choice(("gmail.com", "web.de", "uni-graz.ac.at", "acme-tools.co.uk", "proton.me"))
    number = "".join(chance.choice("23456789") for _ in range(7))
    return chance.choice((
        f"You can reach me at {name}@{place}", f"(mail: {name}@{place})", f"<{name}@{place}> wrote this",
        f"call me on +49 151 {number}", f"My phone is (415) {number[:3]}-{number[3:]}",
        f"tel. 0664 {number[:3]} {number[3:]}",
        f"ring 617-{number[:3]}-{number[3:]} after six", f"+44 20 79{number[:2]} {number[2:6]}",
        f"+1{chance.choice('2345')}12{number}",
        f"my card {card(chance)} was charged twice", f"Card number: {card(chance)}",
        "IBAN DE89 3704 0044 0532 0130 00",
        "please pay to GB82WEST12345698765432", f"my SSN is 52{number[0]}-4{number[1]}-{number[2:6]}",
    ))  # fmt: skip


def not_personal(chance: Random) -> str:
    n = chance.randint(100, 999)
    return chance.choice((
        "write to you@example.com", "git clone git@github.com:acme/tools.git", f"order 4{n}12345678901{n}0",
        "open from 2024-01-15 to 2024-02-20", "see react@18.2.0 and @types/node@20.1", "the address 192.168.178.101",
        "firmware 10.12.2024.1 (build 20240115)", f"ISBN 978-3-16-148410-{n % 10}", f"ticket #{n}-{n}",
        "@anna said so",
        f"part no. {n}-{n % 90 + 10}-A", "lasts 8-10 hours, 1990-2000 models",
        "id 3f2b8c1e-9d4a-4f6b-8a2e-1c5d7e9f0a3b",
        "at 48.8566, 2.3522 it costs 1,234,567.89", "the decorator @app.route(\"/\")",
        "the hotline 555-0123 of the film",
        "0.123456789012 and 3.14159265358979", f"tracking number 1Z999AA1{n}12345678{n % 10}", "x = +12 - 34 + 5678",
        "noreply@acme-tools.com sent it", "at 12:30:45.678 on 01/02/2024", f"EAN 40{n}00112233",
    ))  # fmt: skip


def key(chance: Random) -> str:
    upper = string.ascii_uppercase + string.digits
    block = "\n".join(letters(chance, 64) for _ in range(3))
    kind = chance.choice(("RSA ", "OPENSSH ", "EC ", ""))
    return chance.choice((
        f"my token is hf_{letters(chance, 34)}", f"OPENAI_API_KEY=sk-{letters(chance, 48)}",
        f"use sk-proj-{letters(chance, 60)}",
        f"key sk-ant-api03-{letters(chance, 80)}", f"aws_access_key_id = AKIA{letters(chance, 16, upper)}",
        f"ghp_{letters(chance, 36)}", f"github_pat_{letters(chance, 60)}", f"xoxb-{letters(chance, 40)}",
        f"key=AIza{letters(chance, 35)}",
        f"Authorization: Bearer eyJ{letters(chance, 20)}.eyJ{letters(chance, 40)}.{letters(chance, 43)}",
        f"-----BEGIN {kind}PRIVATE KEY-----\n{block}\n-----END {kind}PRIVATE KEY-----",
        f"postgres://admin:{letters(chance, 14)}@db.acme.io:5432/shop", f"password={letters(chance, 12)}",
        f"sk_live_{letters(chance, 24)}",
    ))  # fmt: skip


def not_a_key(chance: Random) -> str:
    block = "\n".join(letters(chance, 64) for _ in range(3))
    return chance.choice((
        "call hf_hub_download(repo_id, filename)", "install sk-learn or scikit-learn", "the locale sk-SK",
        "set HF_TOKEN first",
        "hf_" + "x" * 34, "sk-...", "OPENAI_API_KEY=sk-" + "x" * 32,
        "AKIA" + "IOSFODNN7EXAMPLE", f"-----BEGIN PUBLIC KEY-----\n{block}\n-----END PUBLIC KEY-----",
        f"-----BEGIN CERTIFICATE-----\n{block}\n-----END CERTIFICATE-----",
        f"commit {letters(chance, 40, 'abcdef0123456789')}",
        "postgres://localhost:5432/shop", "https://user:password@host/", "password: required", "token: string",
        "password = input()",
        f"data:image/png;base64,{letters(chance, 60)}", "3f2b8c1e-9d4a-4f6b-8a2e-1c5d7e9f0a3b",
        "a risk-adjusted-return-on-capital-model",
        f"sha256:{letters(chance, 64, 'abcdef0123456789')}", "the api_key parameter is optional",
        "password reset does not work",
    ))  # fmt: skip


FOREIGN = (
    "un café à la crème près de l'hôtel", "Größe und Fußboden über Österreich", "¿Qué pasó mañana? ¡Olé!",
    "it’s “quoted” – really…",
    "São João não está em Belém", "Ångström et Malmö", "Łódź i Kraków są", "Привет, как дела?", "日本語のテキスト",
    "22 °C, 5 € and 3 µm",
    "Đà Nẵng ở Việt Nam", "İstanbul’da güneş", "naïve façade", "👍🏽 great",
)  # fmt: skip
FINE_FOREIGN = (
    *FOREIGN, "SÃO PAULO", "NÃO É ASSIM", "«CAFÉ» et «THÉ»", "Âge et Île", "„Spaß“ und „Fuß“", "groß… und süß”",
    "MAÇÃ, PÃO E LIMÃO",
    "Ñandú", "Ðuro Đaković", "Åse’s ÄÖÜ", "½ × ¾ ± 2", "β-carotene ≥ 5", "Ça va ? Ô oui", "عربي", "שלום", "हिन्दी",
    "x² + y²", "© 2024 ®",
)  # fmt: skip


def garbled(chance: Random) -> str:
    """UTF-8 bytes read in the one-byte encoding of Windows or Latin-1; or letters lost for good."""
    text = chance.choice(FOREIGN)
    if chance.random() < 0.25:
        return "".join("\ufffd" if ord(char) > 127 else char for char in text)
    shown = (bytes([byte]) for byte in text.encode())
    if chance.random() < 0.3:
        return text.encode().decode("latin-1")
    return "".join(byte.decode("cp1252", "ignore") or byte.decode("latin-1") for byte in shown)


def invisible(chance: Random) -> str:
    return chance.choice((
        "log: \x1b[31merror\x1b[0m at line 3", "done\x00", "page one\x0cpage two", "col\x0bumn",
        "\ufeffstart of a file", "bell\x07",
        "back\x08space", "user\u202egnp.exe", "dash \x96 dash", "unit\x1fseparator", "\x7fdeleted",
        "quote \x93here\x94", "\u2066hidden\u2069",
    ))  # fmt: skip


def visible(chance: Random) -> str:
    return chance.choice((
        "name\tvalue", "two\nlines", "old\r\nwindows\r\nlines", "family 👨‍👩‍👧‍👦 here", "می‌خواهم", "10\u00a0km",
        "co\u00adoperate", "שלום עולם",
        "e\u0301clair", "क्‍ष", "a\u200bb", "\\x1b[31m as text", "\\u0000 as text", "flags 🇫🇷🇧🇷", "→ arrow ← back",
        "\u200eLRM",
    ))  # fmt: skip


def marks(chance: Random) -> str:
    return chance.choice((
        "<|im_start|>user\nhello<|im_end|>", "fine.<|im_end|>", "ok</s>", "<s>[INST] hello [/INST]",
        "[INST] do it [/INST]", "<|endoftext|>",
        "<start_of_turn>user\nhi<end_of_turn>", "<|eot_id|>", "<<SYS>> be kind <</SYS>>", "<|assistant|>",
        "<bos>hello<eos>", "<|user|>\nwhy",
        "\n### Response:\nyes", "\n### Instruction:\nsay it\n", "<|start_header_id|>system<|end_header_id|>",
        "<|begin_of_text|>",
    ))  # fmt: skip


def no_marks(chance: Random) -> str:
    return chance.choice((
        "now <s>99</s> 79 euros", "xs |> map f <| y", "memory[INST] = 3", "### Instructions for use",
        "<user>anna</user>", "Human: hello",
        "the <start> tag and </start>", "a <b>bold</b> word</strong>", "if (a <| b) or |c|", "opcodes[INST][0]",
        "<!-- end -->", "[inst] lower",
        "## Response time", "<end/>", "x < s > y", "assistant: the person who helps", "### Input\nand output",
        "<sys/types.h>",
    ))  # fmt: skip


PLACEHOLDERS = (
    "TODO", "todo", "TBD", "N/A", "n/a", "...", "…", "-", "???", "xxx", "null", "NaN", "[insert answer here]",
    "<your answer here>", "asdf",
    "TODO: write an answer", "Lorem ipsum dolor sit amet, consectetur adipiscing elit.", "to be added",
    "{{answer}}", "placeholder", "test",
    "Thank you for writing. TODO: explain the warranty", "[Enter response]", "undefined", "_____",
    "Answer goes here", "(none)", "tbd.",
)  # fmt: skip
NO_PLACEHOLDERS = (
    "Add it to your TODO list and call on Monday.", "def f():\n    # TODO: later\n    return 1",
    "N/A means that the value does not apply.",
    "Wait... then press the key again.", "None of these, the hinge is fine.",
    "Open https://acme.io/<your workspace>/settings and choose Reset.",
    "Run a test with another cable.",
    "Replace <your name> in the letter below by your own name, then sign and send it to us.", "No.", "0", "A",
    "const x = null; // fine",
    "Type [insert] to switch modes, then press Escape to leave the editor and save your file.",
    "Not available in red.",
    "The xxx-large size fits.", "It returns undefined when the list is empty.", "Answer the door first.",
    "List<String> names", "What?!", "5 - 3",
    "The placeholder in the form shows the format.", "/* TODO: cache this */ return compute(value);",
    "Nan bread is in aisle 4.", "Yes...",
)  # fmt: skip

KINDS: dict[str, tuple[Change, Change]] = {
    "placeholder": (instead(one_of(*PLACEHOLDERS)), instead(one_of(*NO_PLACEHOLDERS))),
    "personal_data": (woven(personal), woven(not_personal)),
    "secret": (woven(key), woven(not_a_key)),
    "encoding": (woven(garbled), woven(one_of(*FINE_FOREIGN))),
    "control_characters": (woven(invisible), woven(visible)),
    "role_tokens": (woven(marks), woven(no_marks)),
    "annotations": (
        woven(
            one_of("so 48/2 = <<48/2=24>>24 clips", "as the report says【4†source】", "it is safe [citation needed]"),
            "answer",
        ),
        woven(
            one_of("shift it: 1 << 3", "cout << total << endl", "see 「東京」 and [1]", "a << b == c", "if x <<= 2"),
            "answer",
        ),
    ),
}
