"""Who owns what a visitor makes: signed by this app, on a Space."""

import re
from pathlib import Path

import pytest

from backends.errors import Refused
from backends.settings import Settings, from_env
from ui import owner

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
