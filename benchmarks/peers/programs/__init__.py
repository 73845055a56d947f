"""Programs that run in a venv of the peers' own, which has nothing of Heyday's in it."""
