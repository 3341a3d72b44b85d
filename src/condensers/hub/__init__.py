"""Cards, the leak guard, publishing: what a condensed dataset is when it leaves the machine."""

from condensers.hub.folder import EVALUATION_FILE, load_condensed, save_condensed, write_condensed
from condensers.hub.leak_guard import LeakReport, check_leaks
from condensers.hub.publishing import Published, publish
from condensers.hub.repository import Reservation, release, released_on_failure, reserve

__all__ = [
    "EVALUATION_FILE",
    "LeakReport",
    "Published",
    "Reservation",
    "check_leaks",
    "load_condensed",
    "publish",
    "release",
    "released_on_failure",
    "reserve",
    "save_condensed",
    "write_condensed",
]
