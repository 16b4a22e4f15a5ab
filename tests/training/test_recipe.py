"""One definition, many faces; bad values are refused by name with what is accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import BadInput
from finetune.recipes import recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learning_rate", v)
        for v in (
            "nan",
            "inf",
            "-1",
            "1e400",
            "１２",
            "",
            float("nan"),
            None,
            [1],
            "8; rm -rf /",
            "$(x)",
            "1\n2",
        )
    ]
    + [("r", v) for v in (0, 10**6, 8.5, True, "8.5")]
    + [
        ("num_train_epochs", 0),
        ("max_steps", 0),
        ("target_modules", "(a+)+$"),
        ("target_modules", ["embed_tokens"]),
    ]
    + [("quantization", "int3"), ("use_dora", "maybe")],
)
def test_a_bad_value_is_refused_with_its_name(field, value):
    with pytest.raises(BadInput, match=field):
        recipe.make({field: value})


@pytest.mark.parametrize("key", ["trust_remote_code", "output_dir", "__class__", ""])
def test_an_unknown_setting_is_refused(key):
    with pytest.raises(BadInput, match="no setting"):
        recipe.make({key: 1})


RECIPES = st.builds(
    lambda r, lr, epochs, quant, rs, seed: recipe.Recipe(
        r=r, learning_rate=lr, num_train_epochs=epochs, quantization=quant, use_rslora=rs, seed=seed
    ),
    st.integers(1, 256),
    st.floats(1e-7, 1e-1),
    st.floats(0.01, 100.0),
    st.sampled_from(["none", "int8", "nf4"]),
    st.booleans(),
    st.integers(0, 2**31 - 1),
)


@given(RECIPES)
def test_k4_form_flags_and_json_are_the_same_recipe(made):
    assert recipe.make(made.to_json()) == made
    flags = [f"{k}={','.join(v) if isinstance(v, list) else v}" for k, v in made.to_json().items()]
    assert recipe.from_flags(recipe.Recipe(), flags) == made


def test_every_recipe_that_ships_is_valid():
    assert {"quick", "balanced", "thorough"} <= recipe.recipes().keys()
    for name in recipe.recipes():
        assert recipe.named(name)


def test_a_contradiction_names_both_settings():
    with pytest.raises(BadInput, match="use_dora and quantization"):
        recipe.make({"use_dora": True, "quantization": "int8"})


def test_recipe_files_are_read_and_a_broken_one_is_named(tmp_path):
    (tmp_path / "a.toml").write_text("r = 4\nlearning_rate = 0.001\n")
    assert recipe.from_file(tmp_path / "a.toml").r == 4
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(BadInput, match=r"b\.json"):
        recipe.from_file(tmp_path / "b.json")


def test_a_task_trains_by_its_own_recipe_and_others_by_the_balanced_one():
    assert recipe.default_for("complexity") == "complexity"
    assert recipe.default_for("a-ninth-task") == "balanced"
