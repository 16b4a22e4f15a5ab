"""Text that was saved as UTF-8 and read as something else: found by reading it back, mended the same way."""

import re

#: how Windows-1252 shows the bytes 0x80 to 0x9f, which Latin-1 leaves empty
_SHOWN = {bytes([n]).decode("cp1252", "replace"): n for n in range(0x80, 0xA0)}
BYTE_OF = {chr(n): n for n in range(0x80, 0x100)} | {char: n for char, n in _SHOWN.items() if char != "\ufffd"}
_REST = "".join(re.escape(char) for char, n in BYTE_OF.items() if n < 0xC0)
#: the bytes of one letter: two only where no language ends words like that (ß" and É» are fine)
BROKEN = re.compile(rf"[ÂÃ][{_REST}]|[ÄÅÐÑ][{_REST}](?=.?[ÄÅÐÑ])|[à-ï][{_REST}]{{2}}|[ð-ô][{_REST}]{{3}}")


def broken(text: str) -> bool:
    if text.isascii():
        return False
    return "\ufffd" in text or any(_letter(found[0]) for found in BROKEN.finditer(text))


def mended(text: str) -> str:
    """Letters whose bytes can be told are restored; a � has lost its bytes for good."""
    return BROKEN.sub(lambda found: _letter(found[0]) or found[0], text)


def _letter(shown: str) -> str | None:
    try:
        return bytes(BYTE_OF[char] for char in shown).decode()
    except UnicodeDecodeError:
        return None
