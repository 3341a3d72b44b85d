"""What goes with a model that is shared: its card, the code that runs it, and the names that hold everywhere."""

from condensers.sharing.hub_names import HubName, hub_name, public_name
from condensers.sharing.model_card import CARD_NAME, card_data, link_model, model_spec, render_card, write_card
from condensers.sharing.pushing import push_saved

__all__ = [
    "CARD_NAME",
    "HubName",
    "card_data",
    "hub_name",
    "link_model",
    "model_spec",
    "public_name",
    "push_saved",
    "render_card",
    "write_card",
]
