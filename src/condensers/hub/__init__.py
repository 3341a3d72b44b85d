"""Cards, the leak guard, publishing: what a condensed dataset is when it leaves the machine."""

from condensers.hub.folder import EVALUATION_FILE, load_condensed, save_condensed, write_condensed
from condensers.hub.leak_guard import LeakReport, check_leaks
from condensers.hub.publishing import Published, publish
from condensers.hub.repository import Reservation, hub_errors, release, released_on_failure, reserve
from condensers.hub.scored import publish_scored

__all__ = [
    "EVALUATION_FILE",
    "LeakReport",
    "Published",
    "Reservation",
    "check_leaks",
    "hub_errors",
    "load_condensed",
    "publish",
    "publish_scored",
    "release",
    "released_on_failure",
    "reserve",
    "save_condensed",
    "write_condensed",
]
