"""Cards, the leak guard, publishing: what a condensed dataset is when it leaves the machine."""

from condensers.hub.folder import EVALUATION_FILE, like_source, load_condensed, save_condensed, write_condensed
from condensers.hub.leak_guard import LeakReport, check_leaks
from condensers.hub.lineage import load_lineage
from condensers.hub.publishing import Published, publish
from condensers.hub.repository import Reservation, hub_errors, release, released_on_failure, reserve
from condensers.hub.scored import publish_scored
from condensers.hub.updating import update_condensed

__all__ = [
    "EVALUATION_FILE",
    "LeakReport",
    "Published",
    "Reservation",
    "check_leaks",
    "hub_errors",
    "like_source",
    "load_condensed",
    "load_lineage",
    "publish",
    "publish_scored",
    "release",
    "released_on_failure",
    "reserve",
    "save_condensed",
    "update_condensed",
    "write_condensed",
]
