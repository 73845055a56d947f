"""Record anew what is sent to each provider: `python -m tests.contracts`. Then look at it."""

from tests.contracts.recorded import FOLDER, requests

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.http"):
        path.unlink()
    for name, request in requests():
        (FOLDER / name).write_bytes(request)
