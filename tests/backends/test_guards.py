import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import BadInput, Refused
from backends.guards import DTYPES, inside, read_safetensors_header, redact, safe_name

BAD_NAMES = [
    *("", "../x", "/etc/x", "..\\x", "%2e%2e/x", "%252e", "a/../b", ".", "..", "a..b", "-rf", "x\n", "x\0", "x.", " x"),
    *("CON", "con.txt", "Lpt1", "é", "аdmin", "ａ", "x" * 81, "x" * 300, "~", "a b", "*"),
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="The adapter's name cannot be"):
        safe_name(name, "The adapter's name")


@pytest.mark.parametrize("name", ["a", "A-1", "my.model_v2", "0", "x" * 80, "console", "com10"])
def test_a_plain_name_comes_back_unchanged(name: str) -> None:
    assert safe_name(name, "name") == name


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(BadInput):
        safe_name(None, "name")  # type: ignore[arg-type]


@given(st.text(max_size=90))
def test_whatever_is_accepted_stays_one_folder_below(text: str) -> None:
    try:
        name = safe_name(text, "name")
    except BadInput:
        return
    assert inside(Path("/data") / name, Path("/data")) == Path("/data") / name


def test_inside_follows_links_and_knows_siblings(tmp_path: Path) -> None:
    folder, sibling = tmp_path / "adapters", tmp_path / "adapters_evil"
    folder.mkdir()
    sibling.mkdir()
    (folder / "file").touch()
    (folder / "link").symlink_to(sibling)
    assert inside(folder / "file", folder) == folder / "file"
    for path in (sibling, folder / "link", folder / "link" / "x", folder, folder / "..", Path("/etc/passwd")):
        with pytest.raises(Refused, match="leads out of its folder"):
            inside(path, folder)


def test_keys_are_taken_out_of_text_and_other_words_stay() -> None:
    text = "hf_AbCdEfGhIjKl, sk-proj-12345678 ak-1234567890 authorization: bearer abc.def-ghi_jkl; task-learning hf_x"
    assert redact(text) == "hf_***, sk-*** ak-*** authorization: bearer ***; task-learning hf_x"


def write(path: Path, header: object, data: bytes = b"", length: int | None = None) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw) if length is None else length) + raw + data)
    return path


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_a_file_of_the_real_library_is_read(tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    tensors = {"b": np.ones((2, 3), np.float32), "a": np.ones(4, np.float16), "none": np.ones((0, 4), np.float32)}
    save_file(tensors, tmp_path / "x.safetensors", metadata={"format": "pt"})
    header = read_safetensors_header(tmp_path / "x.safetensors")
    assert header == {"a": ("F16", (4,)), "b": ("F32", (2, 3)), "none": ("F32", (0, 4))}


GOOD = {"a": entry([2, 2], 0, 16), "b": entry([2], 16, 24)}
TWICE = (
    b'{"a": {"dtype":"F32","shape":[1],"data_offsets":[0,4]}, "a": {"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
)

LYING_FILES = {
    "header length 2^63": (GOOD, b"\0" * 24, 2**63),
    "header length beyond the file": (GOOD, b"\0" * 24, 200 << 20),
    "overlapping": ({"a": entry([2, 2], 0, 16), "b": entry([2], 8, 16)}, b"\0" * 16, None),
    "gap": ({"a": entry([2, 2], 0, 16), "b": entry([2], 20, 28)}, b"\0" * 28, None),
    "negative offset": ({"a": entry([2], -8, 0)}, b"", None),
    "begin after end": ({"a": entry([2], 8, 0)}, b"\0" * 8, None),
    "shape and size differ": ({"a": entry([3], 0, 8)}, b"\0" * 8, None),
    "negative shape": ({"a": entry([-1, -2], 0, 8)}, b"\0" * 8, None),
    "shape of booleans": ({"a": entry([True, 2], 0, 8)}, b"\0" * 8, None),
    "fraction in offsets": ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8.0]}}, b"\0" * 8, None),
    "cut short": (GOOD, b"\0" * 20, None),
    "bytes after the end": (GOOD, b"\0" * 30, None),
    "odd dtype": ({"a": entry([8], 0, 8, "F8_E4M3")}, b"\0" * 8, None),
    "object dtype": ({"a": entry([1], 0, 8, "object")}, b"\0" * 8, None),
    "a key twice": (TWICE, b"\0" * 4, None),
    "extra field": ({"a": entry([1], 0, 4) | {"pickle": "x"}}, b"\0" * 4, None),
    "no tensors": ({"__metadata__": {"format": "pt"}}, b"", None),
    "a list": ([1], b"", None),
    "no JSON": (b"{]", b"", None),
    "nested without end": (b"[" * 100_000, b"", None),
}


@pytest.mark.parametrize("header, data, length", LYING_FILES.values(), ids=LYING_FILES)
def test_a_weight_file_that_contradicts_itself_is_refused(
    tmp_path: Path, header: object, data: bytes, length: int | None
) -> None:
    with pytest.raises(BadInput, match=r"x\.safetensors"):
        read_safetensors_header(write(tmp_path / "x.safetensors", header, data, length))


def test_the_same_header_with_the_right_data_is_accepted(tmp_path: Path) -> None:
    assert read_safetensors_header(write(tmp_path / "x", GOOD, b"\0" * 24)) == {
        "a": ("F32", (2, 2)),
        "b": ("F32", (2,)),
    }


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95", b"PK\x03\x04" + b"\0" * 60])
def test_a_pickle_or_zip_under_a_safetensors_name_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(BadInput, match="is no safetensors file"):
        read_safetensors_header(tmp_path / "x.safetensors")


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail_in_another_way(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadInput):
        read_safetensors_header(path)


def test_only_floating_point_weights_are_known() -> None:
    assert set(DTYPES) == {"F64", "F32", "F16", "BF16"}
