"""The `[objective.augment]` table of a recipe: which changed copies of the training texts are learnt beside them."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from zhixing.core.config import Config

Share = Annotated[float, Field(ge=0.0, le=0.5)]


class BackTranslationConfig(Config):
    """Say it in another language and back again, sentence by sentence (Sennrich et al. 2016), with models that were taught
    seq2seq; a sentence that is longer than a model reads loses its end.
    """

    there: str = Field(min_length=1)
    """Folder of the model that translates the texts."""
    back: str = Field(min_length=1)
    """Folder of the model that translates what the first one wrote."""
    beam: int = Field(default=1, ge=1)
    """Width of the search of both; 1 is greedy."""


class AugmentConfig(Config):
    """Changed copies of every training text, which keep its label; held-out and test texts stay as they are.

    The random numbers follow from the recipe's seed, the row and the copy.
    """

    copies: int = Field(default=1, ge=1, le=20)
    """Changed copies that are made of a text; one that came out as its text, or as another copy of it, is left out."""
    synonyms: Share = 0.0
    """Share of words, marks counted as words, that get another of the same meaning (Wei & Zou 2019): by WordNet, by CC-CEDICT
    for Chinese."""
    homophones: Share = 0.0
    """Share of words, marks counted as words, that get another which sounds the same and stands in the training texts: by
    cmudict, by CC-CEDICT's pinyin without tones for Chinese, as one slips when typing it."""
    noise: Share = 0.0
    """Share of letters and Han characters that are left out, doubled, exchanged with the next one, or (Latin ones) mistyped."""
    back_translation: BackTranslationConfig | None = None
    """The first copy of a text is what comes back of its translation; the shares above apply to it as well."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not (self.synonyms or self.homophones or self.noise or self.back_translation):
            raise ValueError(
                "nothing is changed: set synonyms, homophones or noise (such as synonyms = 0.1) or back_translation"
            )
        if self.copies > 1 and not (self.synonyms or self.homophones or self.noise):
            raise ValueError(
                f"copies = {self.copies}, but only the first copy is a back-translation; set copies = 1, or synonyms, "
                "homophones or noise for the others"
            )
        return self
