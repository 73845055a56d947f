"""Name an invented person in each language that comes with Heyday, for trying texts out."""

from collections.abc import Mapping

from heyday.texts.languages import nearest

_PEOPLE: Mapping[str, tuple[str, str]] = {
    "ar": ("ليلى", "حداد"),
    "de": ("Jana", "Brückner"),
    "en": ("Ada", "Lovelace"),
    "es": ("Lucía", "Ibáñez"),
    "fr": ("Zoé", "Lefèvre"),
    "hi": ("मीरा", "शर्मा"),
    "id": ("Dewi", "Lestari"),
    "it": ("Chiara", "D'Angelo"),
    "ja": ("花子", "山田"),
    "ko": ("지우", "김"),
    "nl": ("Sanne", "de Vries"),
    "pl": ("Zofia", "Wójcik"),
    "pt": ("Inês", "Conceição"),
    "tr": ("İpek", "Çelik"),
    "zh": ("静怡", "王"),
    "zh-Hant": ("怡君", "陳"),
}


def sample_name(language: str) -> tuple[str, str]:
    """Return the first and last name of somebody who might be greeted in a language."""
    return _PEOPLE[nearest(language, _PEOPLE.keys()) or "en"]
