"""LLM-driven subset condensation."""

from collections.abc import Sequence
from functools import partial

from condensers.data.dedup import normalise
from condensers.llm import Completion, Desk, Prompt, Question, Unusable
from condensers.llm.text_reply import lines_of, untagged
from condensers.methods.writing.replies import (
    Features,
    Form,
    Premises,
    Samples,
    Seconds,
    UniversalFeatures,
)
from condensers.methods.writing.task import Candidate, Groups, Parts, Task, Written
from condensers.methods.writing.writer import Planned, Subset, Wanted, Writer

Feature = tuple[str, str, list[str]]
"""Label, feature, exemplars."""

N_LINES = 8
"""Features asked for in one list of lines."""
_TOKENS_A_FEATURE = 24


class LDSC(Writer):
    """LLM-driven subset condensation (Section 2.3, Figure 6): features first, then rows that combine them.

    Three chats a sample: what tells the labels apart, what all labels share, and new rows out of both. The third shows
    the retrieved rows again, as the history of one conversation would; where that does not fit the context, it shows
    the features alone. As lines, the first and the third are asked class by class.
    """

    def __init__(self, desk: Desk, task: Task, form: Form) -> None:
        super().__init__(desk, task, form)
        self._discriminative = Prompt.load("condenselm/discriminative")
        self._universal = Prompt.load("condenselm/universal")
        self._synthesis = Prompt.load("condenselm/synthesis")

    def write(self, subset: Subset, wanted: Wanted, samples: Sequence[int]) -> list[Candidate]:
        """Writes candidates; see `Writer.write`."""
        groups = self.task.groups(subset)
        features: dict[int, list[Feature]] = {sample: [] for sample in samples}
        for focus in self.foci:
            found = self.gather(groups, list(features), partial(self._ask_discriminative, focus))
            features = {sample: [*features[sample], *found[sample]] for sample in found}
        universal = self.gather(groups, list(features), self._ask_universal)
        candidates = []
        for unit, focus in enumerate(self.foci):
            here = self.part_of(wanted, focus)
            if not here or not universal:
                continue
            # With the rows where they fit, then with the features alone, then with the first quarter of these.
            shown: list[tuple[Groups, int]] = [([], 1), ([], 4)] if self.is_split else [(groups, 1), ([], 1), ([], 4)]

            def ask(k: int, share: int, groups: Groups, here: Wanted = here) -> Question[tuple[Written, ...]]:
                return self._ask_rows(k, groups, _first(features[k], share), _first(universal[k], share), subset, here)

            builds = [partial(ask, share=share, groups=rows) for rows, share in shown]
            candidates += [Candidate(unit, rows) for rows in self.shrink(list(universal), builds).values()]
        return candidates

    def plan(self, subset: Subset, wanted: Wanted, n_reply_tokens: int | None) -> list[Planned]:
        """The chats of one sample; see `Writer.plan`."""
        groups, foci = self.task.groups(subset), self.foci
        n_labels = len(groups) if self.form == "json" else 1
        n_features = n_reply_tokens or N_LINES // 2 * n_labels * _TOKENS_A_FEATURE
        n_universal = n_reply_tokens or N_LINES * _TOKENS_A_FEATURE // 2
        feature = "x" * (4 * n_features // len(groups))
        stand_ins: list[Feature] = [
            (label, feature, []) for _ in range(1 if self.form == "json" else len(foci)) for label, _ in groups
        ]
        chats = [Planned(self._discriminative_chat(groups, focus), n_features) for focus in foci]
        chats.append(Planned(self._universal_chat(groups), n_universal))
        for focus in foci:
            here = self.part_of(wanted, focus)
            if here:
                chat = self._rows_chat(groups, stand_ins, ["x" * 4 * n_universal], here)
                chats.append(Planned(chat, n_reply_tokens or self.reply_tokens(here)))
        return chats

    # The chats, and how their replies are read

    def _discriminative_chat(self, groups: Groups, focus: int | None) -> list:
        return self._discriminative.messages(groups=groups, focus=self.focus_label(focus), n=N_LINES)

    def _ask_discriminative(self, focus: int | None, groups: Groups, sample: int) -> Question[list[Feature]]:
        def read(completion: Completion) -> list[Feature]:
            if isinstance(completion.parsed, Features):
                given = completion.parsed.features
                known = {label.casefold().strip() for label, _ in groups}
                found = [
                    (each.label, each.feature, each.exemplars[:3])
                    for each in given
                    if each.feature.strip() and each.label.casefold().strip() in known
                ]
                if given and not found:
                    self.task.code_of(given[0].label)
            else:
                found = [(self.focus_label(focus) or "", line, []) for line in lines_of(completion.text)[:N_LINES]]
            return _some(found)

        schema = Features if self.form == "json" else None
        return Question(self._discriminative_chat(groups, focus), sample, read, schema)

    def _universal_chat(self, groups: Groups) -> list:
        return self._universal.messages(groups=groups, form=self.form, n=N_LINES)

    def _ask_universal(self, groups: Groups, sample: int) -> Question[list[str]]:
        def read(completion: Completion) -> list[str]:
            if isinstance(completion.parsed, UniversalFeatures):
                return _some([each for each in completion.parsed.features if each.strip()])
            return _some(lines_of(completion.text)[:N_LINES])

        schema = UniversalFeatures if self.form == "json" else None
        return Question(self._universal_chat(groups), sample, read, schema)

    def _rows_chat(self, groups: Groups, features: list[Feature], universal: list[str], wanted: Wanted) -> list:
        return self._synthesis.messages(
            groups=groups,
            features=features,
            universal=universal,
            wanted=[(self.task.label(code), n) for code, n in wanted.items()],
            form=self.form,
        )

    def _ask_rows(
        self,
        sample: int,
        groups: Groups,
        features: list[Feature],
        universal: list[str],
        subset: Subset,
        wanted: Wanted,
    ) -> Question[tuple[Written, ...]]:
        def read(completion: Completion) -> tuple[Written, ...]:
            if isinstance(completion.parsed, Samples):
                given = completion.parsed.samples
                rows: list[tuple[Parts, int]] = [
                    ((untagged(each.text),), self.task.code_of(each.label)) for each in given
                ]
                return self.task.accepted(self.counted(rows, wanted), subset)
            (code,) = wanted
            lines = self.first_good([(line,) for line in lines_of(completion.text)], wanted[code])
            return self.task.accepted([(parts, code) for parts in lines], subset)

        schema = Samples if self.form == "json" else None
        return Question(self._rows_chat(groups, features, universal, wanted), sample, read, schema)


class PairLDSC(Writer):
    """LDSC for pairs (Appendix A.6): premises that go with every label, then for each a second text of each label.

    So nothing but its second text gives a row's label away.
    """

    def __init__(self, desk: Desk, task: Task, form: Form) -> None:
        super().__init__(desk, task, form)
        self._premises = Prompt.load("condenselm/premises")
        self._seconds = Prompt.load("condenselm/seconds")

    def write(self, subset: Subset, wanted: Wanted, samples: Sequence[int]) -> list[Candidate]:
        """Writes candidates; see `Writer.write`."""
        groups = self.task.groups(subset)
        n = max(wanted.values())
        premises = {
            sample: _distinct(found)[:n]
            for sample, found in self.gather(groups, samples, partial(self._ask_premises, n)).items()
        }
        candidates = []
        for unit, focus in enumerate(self.foci):
            here = self.part_of(wanted, focus)
            if not here or not premises:
                continue
            shown: list[Groups] = [[]] if self.is_split else [groups, []]

            def ask(k: int, groups: Groups, here: Wanted = here) -> Question[tuple[Written, ...]]:
                return self._ask_seconds(k, groups, premises[k], subset, here)

            builds = [partial(ask, groups=rows) for rows in shown]
            candidates += [Candidate(unit, rows) for rows in self.shrink(list(premises), builds).values()]
        return candidates

    def plan(self, subset: Subset, wanted: Wanted, n_reply_tokens: int | None) -> list[Planned]:
        """The chats of one sample; see `Writer.plan`."""
        groups, n = self.task.groups(subset), max(wanted.values())
        n_premises = n_reply_tokens or self.reply_tokens({0: n})
        chats = [Planned(self._premises_chat(groups, n), n_premises)]
        premises = ["x" * (4 * n_premises // n)] * n
        for focus in self.foci:
            here = self.part_of(wanted, focus)
            if here:
                chat = self._seconds_chat(groups, premises, here)
                chats.append(Planned(chat, n_reply_tokens or self.reply_tokens(here)))
        return chats

    def _premises_chat(self, groups: Groups, n: int) -> list:
        return self._premises.messages(groups=groups, names=self.task.names, n=n, form=self.form)

    def _ask_premises(self, n: int, groups: Groups, sample: int) -> Question[list[str]]:
        def read(completion: Completion) -> list[str]:
            if isinstance(completion.parsed, Premises):
                found = [untagged(each) for each in completion.parsed.premises]
            else:
                found = lines_of(completion.text)
            found = _distinct([each for each in found if each.strip()])
            if len(found) < n:
                raise Unusable("wrong_counts", f"there are {len(found)} different first texts, not {n}")
            return found

        schema = Premises if self.form == "json" else None
        return Question(self._premises_chat(groups, n), sample, read, schema)

    def _seconds_chat(self, groups: Groups, premises: list[str], wanted: Wanted) -> list:
        return self._seconds.messages(
            groups=groups,
            names=self.task.names,
            premises=premises,
            wanted=[(self.task.label(code), n) for code, n in wanted.items()],
            form=self.form,
        )

    def _ask_seconds(
        self, sample: int, groups: Groups, premises: list[str], subset: Subset, wanted: Wanted
    ) -> Question[tuple[Written, ...]]:
        def read(completion: Completion) -> tuple[Written, ...]:
            if isinstance(completion.parsed, Seconds):
                found = {(self.task.code_of(s.label), s.number): untagged(s.second) for s in completion.parsed.samples}
            else:
                (code,) = wanted
                lines = lines_of(completion.text)
                self.desk.events.steps["surplus_cut"] += max(0, len(lines) - wanted[code])
                found = {(code, number): line for number, line in enumerate(lines, 1)}
            asked = [(code, number) for code, n in wanted.items() for number in range(1, n + 1)]
            missing = [(code, number) for code, number in asked if (code, number) not in found]
            if missing:
                code, number = missing[0]
                raise Unusable(
                    "wrong_counts",
                    f"{len(missing)} second texts are missing, such as the one with the label {self.task.label(code)} "
                    f"for first text {number}",
                )
            rows = [((premises[number - 1], found[code, number]), code) for code, number in asked]
            return self.task.accepted(rows, subset)

        schema = Seconds if self.form == "json" else None
        return Question(self._seconds_chat(groups, premises, wanted), sample, read, schema)


def _some(found: list) -> list:
    if not found:
        raise Unusable("empty", "it names no feature")
    return found


def _first(found: list, share: int) -> list:
    return found[: -(-len(found) // share)]


def _distinct(texts: list[str]) -> list[str]:
    return list({normalise(text): text for text in reversed(texts)}.values())[::-1]
