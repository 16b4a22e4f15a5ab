"""The measured effect of adapters: said in red when there is none, kept by digests, never kept when the base drifts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends import adapters
from backends.base import Probe
from backends.errors import AppError
from backends.settings import Settings
from finetune.scoring import proof
from tests.parts.random_adapter import make
from ui.room import Room
from ui.views import answers


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, prepared_bases: Path) -> Iterator[Room]:
    place = Settings(data_dir=tmp_path_factory.mktemp("proof"))
    place.bases_dir.symlink_to(prepared_bases)
    made = Room(place)
    yield made
    made.close()


@pytest.mark.model
def test_an_adapter_that_changes_nothing_is_said_in_red_and_a_sound_one_is_not(room: Room) -> None:
    make(room.settings, "idle", strength=0.0)
    make(room.settings, "strong", strength=0.1)
    said = answers.doubts(room, "idle")
    assert said and "This adapter changes nothing" in said and "acr-bad" in said
    assert answers.doubts(room, "strong") is None
    assert answers.doubts(room, None) is None


@pytest.mark.model
def test_a_measurement_is_kept_by_digests_and_not_by_the_name(room: Room) -> None:
    first = make(room.settings, "again", strength=0.1, seed=1)
    known = proof.effect(room.engine, room.settings, first, "llama_cpp")
    adapters.remove(room.settings, "again")
    second = make(room.settings, "again", strength=0.0, seed=2)
    assert proof.effect(room.engine, room.settings, first, "llama_cpp") == known  # the engine knows it no more
    assert proof.problems(proof.effect(room.engine, room.settings, second, "llama_cpp")) == [proof.NOTHING]


def test_a_base_that_drifted_is_told_beside_an_effect() -> None:
    assert proof.problems(Probe(3.2)) == []
    (said,) = proof.problems(Probe(3.2, base_drift=0.25))
    assert "not the base that was loaded (logits differ by 0.25)" in said


@pytest.mark.model
def test_dora_and_biases_are_asked_where_they_can_be(room: Room) -> None:
    plain = make(room.settings, "plain")
    assert proof.engine_for(plain) == "llama_cpp"
    for setting in ({"use_dora": True}, {"lora_bias": True}, {"bias": "all"}):
        assert proof.engine_for(replace(plain, config=plain.config | setting)) == "transformers"


@pytest.mark.model
def test_what_keeps_the_measurement_from_being_made_is_said_too(room: Room) -> None:
    said = answers.doubts(room, "nobody")
    assert said and "There is no adapter" in said
    with pytest.raises(AppError):
        adapters.find(room.settings, "nobody")
