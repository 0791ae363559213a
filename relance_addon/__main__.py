"""``python -m relance_addon`` is ``relance``."""

from relance_addon.cli.main import main

if __name__ == "__main__":
    main()
