"""How an LLM writes labelled rows: what it is asked, how replies are read and checked, and what becomes of bad ones.

A `Writer` takes retrieved rows and gives `Candidate`s. `LDSC` and `PairLDSC` are the module of CondenseLM, `FewShot`
is the baseline, `Rewrite` is what remains for the smallest models.
"""

from condensers.llm import Answer, Desk, Events, Question, Unusable
from condensers.methods.writing.few_shot import FewShot, Purpose, Rewrite
from condensers.methods.writing.ldsc import LDSC, PairLDSC
from condensers.methods.writing.replies import Form
from condensers.methods.writing.shortage import too_few_rows
from condensers.methods.writing.task import Candidate, Task, Written
from condensers.methods.writing.writer import Planned, Subset, Wanted, Writer

__all__ = [
    "LDSC",
    "Answer",
    "Candidate",
    "Desk",
    "Events",
    "FewShot",
    "Form",
    "PairLDSC",
    "Planned",
    "Purpose",
    "Question",
    "Rewrite",
    "Subset",
    "Task",
    "Unusable",
    "Wanted",
    "Writer",
    "Written",
    "too_few_rows",
]
