"""Find the files of data/: in the checkout, or in the installed package, which holds a copy."""

from pathlib import Path

_HERE = Path(__file__).parent
_CHECKOUT = _HERE.parents[2] / "data"


def data_file(name: str) -> Path:
    """Return the path of a file that data/README.md describes. Raises FileNotFoundError."""
    for folder in (_HERE, _CHECKOUT):
        if (path := folder / name).is_file():
            return path
    raise FileNotFoundError(f"{name} is neither in {_HERE} nor in {_CHECKOUT}")
