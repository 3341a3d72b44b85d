"""Metrics: how like a reference set a small set of texts is, and what such a number is worth at that size."""
