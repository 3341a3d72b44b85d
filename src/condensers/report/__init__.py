"""One self-contained HTML page about condensed rows: numbers, charts, a map, and the rows themselves."""

from condensers.evaluation import MethodResult
from condensers.report.page import write_report

__all__ = ["MethodResult", "write_report"]
