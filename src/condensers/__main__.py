"""``python -m condensers``."""

from condensers.cli import main

if __name__ == "__main__":
    main()
