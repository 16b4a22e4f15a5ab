"""Likely personal data and keys inside text. Numbers count only with their check digits; reserved names never."""

import re

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@((?:[a-z0-9-]{1,63}\.)+[a-z]{2,24})\b(?!\()", re.IGNORECASE)
#: names kept for examples (RFC 2606), and accounts of machines
RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:com|org|net|edu)|example|test|invalid|localhost|local)$", re.IGNORECASE)
MACHINES = ("git@", "noreply@", "no-reply@")
PHONE = re.compile(
    r"(?<![\w.+/=-])(?:"
    r"\+[1-9]\d{0,2}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"  # +49 30 1234567
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}"  # (415) 867-5309
    r"|\d{3}[.-]\d{3}[.-]\d{4}"  # 415-867-5309
    r"|0\d{2,4}[ /-]\d{3,4}[ -]?\d{3,5}"  # 030 1234567
    r")(?![\w-]|\.\d)"
)
#: 555-0100 to 555-0199 belong to nobody
NOBODYS = re.compile(r"555.?01\d\d$")
CARD = re.compile(r"(?<![\w.-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -]?)\d{6}\2\d{5})(?![\w-]|\.\d)")
ISSUED = re.compile(r"4|5[1-5]|2[2-7]|3[47]|6011|65")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
SOCIAL = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])")

#: no number that is somebody's is shorter; most texts need no closer look
LONG_NUMBER = re.compile(r"(?:\d[ ./()-]{0,2}){7}")

#: what every key below holds one of; plain text is searched for these much faster than for the keys
HINTS = (
    *("hf_", "sk-", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AIza"),
    *("k_live_", "eyJ", "PRIVATE KEY", "=", "://"),
)
SECRET = re.compile(
    r"\bhf_[A-Za-z0-9]{20,}|\bsk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}"
    r"|\bgithub_pat_\w{22,}|\bglpat-[\w-]{20,}|\bxox[abprs]-[\w-]{10,}|\bAIza[\w-]{35}|\b[rs]k_live_[A-Za-z0-9]{16,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:.*?-----END (?:[A-Z]+ )*PRIVATE KEY-----|.*)"
    r"|(?i:(?<=password=)|(?<=passwd=)|(?<=api_key=)|(?<=secret=)|(?<=token=))[^\s\"'&();]{8,}"
    r"|(?<=://)[^\s/:@]{1,64}:[^\s/:@]{3,64}(?=@)",
    re.DOTALL,
)


def personal(text: str) -> bool:
    if "@" in text and any(_someones(found) for found in EMAIL.finditer(text)):
        return True
    if not LONG_NUMBER.search(text):
        return False
    if any(not NOBODYS.search(found[0]) and 8 <= len(_digits(found[0])) <= 15 for found in PHONE.finditer(text)):
        return True
    numbers = (_digits(found[0]) for found in CARD.finditer(text))
    return any(ISSUED.match(digits) and _luhn(digits) for digits in numbers) or _account(text)


def secret(text: str) -> bool:
    return any(hint in text for hint in HINTS) and any(_real(found[0]) for found in SECRET.finditer(text))


def without_secrets(text: str) -> str:
    return SECRET.sub(lambda found: "***" if _real(found[0]) else found[0], text)


def _someones(found: re.Match[str]) -> bool:
    return not RESERVED.search(found[1]) and not found[0].lower().startswith(MACHINES)


def _account(text: str) -> bool:
    return bool(SOCIAL.search(text)) or any(_mod97(found[0].replace(" ", "")) for found in IBAN.finditer(text))


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def _mod97(iban: str) -> bool:
    return int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97 == 1


def _real(key: str) -> bool:
    """Not the made-up key of a manual (`hf_xxxxxxxx`, `AKIAIOSFODNN7EXAMPLE`, `user:password@`)."""
    if key.startswith("-----"):
        return True
    if ":" in key:
        return key.partition(":")[2].lower() not in ("password", "pass", "pwd", "secret", "***", "xxx")
    mixed = any(char.isdigit() for char in key) and any(char.isalpha() for char in key)
    return mixed and len(set(key)) >= min(10, len(key) // 2) and "EXAMPLE" not in key.upper()
