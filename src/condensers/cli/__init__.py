"""The command line: ``condensers condense | generate | compare | budget | evaluate | update | why | push | ...``."""

import sys

from condensers.cli.app import app
from condensers.errors import CondensersError


def main() -> None:
    """Runs the command line; a user's mistake ends with one sentence and exit code 2."""
    try:
        app()
    except CondensersError as error:
        print(f"condensers: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("condensers: stopped; run the same command again to go on.", file=sys.stderr)  # noqa: T201
        raise SystemExit(130) from None


__all__ = ["app", "main"]
