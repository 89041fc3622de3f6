"""``python -m partway``: the command."""

from partway.cli.main import main

if __name__ == "__main__":
    main()
