"""``python -m arealstrategi``."""

from arealstrategi.cli import main

if __name__ == "__main__":
    main()
