"""Run ``python -m heyday``: the same program as the ``heyday`` command."""

from heyday.cli.app import main

if __name__ == "__main__":
    main()
