"""Folders and cards: what a condensed dataset is when it leaves the machine."""

from condensers.hub.folder import load_condensed, save_condensed, write_condensed

__all__ = ["load_condensed", "save_condensed", "write_condensed"]
