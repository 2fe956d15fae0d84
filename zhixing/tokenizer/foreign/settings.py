"""What the small files beside a vocabulary say: settings, special tokens, added tokens.

`tokenizer_config.json` is a loose table that grew over the years. Three rules make it safe: a form reads the settings
it honours through `flag`; a setting that would change the ids and that the form does not know is refused by name;
the rest (hints for padding, names of files) cannot change ids and is kept as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokenizers import AddedToken
from tokenizers import Tokenizer as Pipeline

from zhixing.core.errors import CheckpointError, UnsupportedError

ROLE_KEYS = ("unk", "bos", "eos", "pad", "sep", "cls", "mask")

# Settings that change ids or text, with the value that means "not set".
_CHANGING: Mapping[str, Any] = {
    "add_bos_token": False,
    "add_eos_token": False,
    "add_prefix_space": False,
    "continuing_subword_prefix": "",
    "do_basic_tokenize": True,
    "do_lower_case": False,
    "dropout": 0,
    "errors": "replace",
    "extra_ids": 0,
    "keep_accents": True,
    "never_split": (),
    "remove_space": True,
    "separate_vocabs": False,
    "sp_model_kwargs": {},
    "src_lang": None,
    "strip_accents": False,
    "subword_regularization": False,
    "tgt_lang": None,
    "tokenize_chinese_chars": True,
    "wordpieces_prefix": "##",
}
_ATTRIBUTES = ("single_word", "lstrip", "rstrip", "normalized")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The settings of one folder. `numbers` are the ids that added_tokens.json gives; `origin` is for messages."""

    origin: str
    config: Mapping[str, Any]
    specials_map: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)

    def flag(self, name: str, default: bool) -> bool:
        """A setting that is true or false; absent or null is `default`."""
        value = self.config.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise CheckpointError(f"{self.origin}: {name} = {value!r} must be true or false")
        return value

    def refuse_others(self, honoured: Sequence[str], form: str) -> None:
        """Raise UnsupportedError for a setting that changes ids and is not in `honoured`."""
        for name, inert in _CHANGING.items():
            value = self.config.get(name)
            if name in honoured or value is None or value == inert or value in ([], {}, ()):
                continue
            raise UnsupportedError(
                f"{self.origin}: {name} = {value!r} cannot be honoured for {form}; it would change the ids"
            )

    def token(self, role: str, default: str | None = None) -> str | None:
        """The text of a special token: `role` is one of unk, bos, eos, pad, sep, cls, mask."""
        value = self._role(role)
        if value is None:
            return default
        return value["content"] if isinstance(value, Mapping) else str(value)

    def added_tokens(self, defaults: Mapping[str, str]) -> list[AddedToken]:
        """Every added token in the order of ids; `defaults` are the special tokens the form has by itself."""
        found = {token: _special(token) for token in self._special_texts(defaults)}
        texts = dict(self.numbers)
        for number, value in (self.config.get("added_tokens_decoder") or {}).items():
            token = _from_table(value, f"{self.origin}: added_tokens_decoder")
            found[token.content] = token
            texts[token.content] = int(number)
        for role in ROLE_KEYS:
            value = self._role(role)
            if isinstance(value, Mapping) and "lstrip" in value:
                found[value["content"]] = _from_table({**value, "special": True}, self.origin)
        for text in texts:
            found.setdefault(text, AddedToken(text, normalized=False))
        return sorted(found.values(), key=lambda token: texts.get(token.content, -1))

    def check_numbers(self, pipeline: Pipeline) -> None:
        """Raise CheckpointError when an added token did not get the id that the folder gives it."""
        decoder = self.config.get("added_tokens_decoder") or {}
        numbers = {value["content"]: int(number) for number, value in decoder.items()}
        for text, number in {**numbers, **self.numbers}.items():
            got = pipeline.token_to_id(text)
            if got != number:
                raise CheckpointError(
                    f"{self.origin}: the added token {text!r} should have id {number} and has {got}; "
                    "the files of this folder do not belong together"
                )

    def _role(self, role: str) -> Any:
        key = f"{role}_token"
        return self.config.get(key) or self.specials_map.get(key)

    def _special_texts(self, defaults: Mapping[str, str]) -> list[str]:
        texts = [self.token(role, defaults.get(role)) for role in ROLE_KEYS]
        for key in ("additional_special_tokens", "extra_special_tokens"):
            more = self.config.get(key) or self.specials_map.get(key) or []
            values = more.values() if isinstance(more, Mapping) else more
            texts += [value["content"] if isinstance(value, Mapping) else value for value in values]
        return [text for text in texts if text]


def _special(text: str) -> AddedToken:
    return AddedToken(text, special=True, normalized=False)


def _from_table(value: Any, origin: str) -> AddedToken:
    if not isinstance(value, Mapping) or not isinstance(value.get("content"), str):
        raise CheckpointError(f"{origin} must give each token a content, not {value!r}")
    attributes = {name: bool(value.get(name, False)) for name in _ATTRIBUTES}
    return AddedToken(value["content"], special=bool(value.get("special", False)), **attributes)
