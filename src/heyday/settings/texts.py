"""Settings that say what greetings say, and in which language."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings

from heyday.settings.values import empty_is_none, language_tag, plain_line


class Texts(BaseSettings):
    """Hold the company's language, its own texts, and its name."""

    language: Annotated[str, AfterValidator(language_tag)] = Field(
        default="en",
        alias="HEYDAY_LANGUAGE",
        description="The language of people who have no locale, or one for which there are no "
        "texts: a tag such as de or pt-BR.",
    )
    texts: Annotated[Path | None, BeforeValidator(empty_is_none)] = Field(
        default=None,
        alias="HEYDAY_TEXTS",
        description="A folder with texts of your own, such as birthday.de.txt. Empty: those that "
        "come with Heyday.",
    )
    company: Annotated[str, AfterValidator(plain_line)] = Field(
        default="",
        alias="HEYDAY_COMPANY",
        max_length=100,
        description="The name of your company, for texts that say it.",
    )
