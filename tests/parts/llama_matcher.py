"""llama.cpp's own grammar sampler, reached inside xllamacpp's library: it offers no way to ask about a text.

Everything is llama.cpp's C interface, but for `llama_sampler_init_llg`, which is C++ and has its mangled name.
"""

import ctypes
import math
from collections.abc import Sequence
from pathlib import Path


class _Params(ctypes.Structure):
    """Handed from one function to the next unread; with room to spare, because its size differs by version."""

    _fields_ = [("unread", ctypes.c_ubyte * 1024)]


class _Token(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int32), ("logit", ctypes.c_float), ("p", ctypes.c_float)]


class _Tokens(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.POINTER(_Token)),
        ("size", ctypes.c_size_t),
        ("selected", ctypes.c_int64),
        ("sorted", ctypes.c_bool),
    ]


class LlamaMatcher:
    """Loads the base (its vocabulary is what counts); in use it must be closed by `with`."""

    def __init__(self, gguf: Path) -> None:
        import xllamacpp

        self.library = ctypes.CDLL(str(next(Path(xllamacpp.__file__).parent.glob("*.so"))))
        pointer, text, token = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32
        self._default = self._function("llama_model_default_params", _Params)
        self._load = self._function("llama_model_load_from_file", pointer, text, _Params)
        self._vocabulary = self._function("llama_model_get_vocab", pointer, pointer)
        self._free_model = self._function("llama_model_free", None, pointer)
        self._init = self._function("_Z22llama_sampler_init_llgPK11llama_vocabPKcS3_", pointer, pointer, text, text)
        self._apply = self._function("llama_sampler_apply", None, pointer, ctypes.POINTER(_Tokens))
        self._accept = self._function("llama_sampler_accept", None, pointer, token)
        self._reset = self._function("llama_sampler_reset", None, pointer)
        self._free = self._function("llama_sampler_free", None, pointer)
        self._silence()
        self.model = self._load(str(gguf).encode(), self._default())
        assert self.model, gguf

    def __enter__(self) -> "LlamaMatcher":
        return self

    def __exit__(self, *_: object) -> None:
        self._free_model(self.model)

    def judge(self, form: str, answers: Sequence[Sequence[int]]) -> list[bool]:
        """Of each answer, as token ids: may all of it be written, one token after the other, under this grammar?"""
        sampler = self._init(self._vocabulary(self.model), b"lark", form.encode())
        assert sampler
        try:
            return [self._allows(sampler, answer) for answer in answers]
        finally:
            self._free(sampler)

    def _allows(self, sampler: int, answer: Sequence[int]) -> bool:
        self._reset(sampler)
        for token in answer:
            offered = _Tokens(ctypes.pointer(_Token(token, 0.0, 0.0)), 1, -1, False)
            self._apply(sampler, ctypes.byref(offered))
            if offered.data[0].logit == -math.inf:
                return False
            self._accept(sampler, token)
        return True

    def _function(self, name: str, result: object, *arguments: object) -> object:
        function = getattr(self.library, name)
        function.restype, function.argtypes = result, arguments
        return function

    def _silence(self) -> None:
        kind = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
        self._unheard = kind(lambda level, text, data: None)  # kept: the library calls it as long as it lives
        self._function("llama_log_set", None, kind, ctypes.c_void_p)(self._unheard, None)
