from dataclasses import replace

import pytest
from conftest import make_rows
from datasets import Dataset

from condensers.errors import LeakError, SettingError
from condensers.hub import check_leaks
from condensers.methods import KCenterCondenser


def with_texts(rows, texts):
    return Dataset.from_dict({**rows.to_dict(), "text": texts}, features=rows.features)


def test_rows_that_say_nothing_of_anybody_pass(written):
    rows, run = written
    report = check_leaks(rows, run, source=make_rows())
    assert (report.n_rows, report.findings, report.refusals) == (6, (), ())
    assert report.copies.n_source_rows == 36 and report.copies.share == 0
    report.raise_refusals()


def test_copies_beyond_the_threshold_are_refused_by_row(written):
    rows, run = written
    source = make_rows()
    texts = [source["text"][7].upper(), *rows["text"][1:]]
    report = check_leaks(with_texts(rows, texts), run, source=source)
    assert [(copy.row, copy.source_row, copy.similarity) for copy in report.copies.verbatim] == [(0, 7, 1.0)]
    with pytest.raises(LeakError, match=r"1 of 6 rows repeat a source row word for word .* rows 0 .*allow_copies"):
        report.raise_refusals()
    assert not check_leaks(with_texts(rows, texts), run, source=source, max_copied=0.5).refusals
    allowed = check_leaks(with_texts(rows, texts), run, source=source, allow_copies=True)
    assert len(allowed.copies.verbatim) == 1 and not allowed.refusals


def test_rows_that_a_method_keeps_are_not_compared_and_said_so(few, condenser):
    report = check_leaks(few, condenser.run_)
    assert report.copies is None and "keeps source rows" in report.not_compared and not report.refusals


def test_private_rows_are_not_compared(written):
    rows, run = written
    private = replace(run, privacy={"withheld": True, "statement": "(4, 1e-6)"})
    assert "private" in check_leaks(rows, private, source=make_rows()).not_compared


def test_without_the_source_nothing_passes_unseen(written):
    rows, run = written
    with pytest.raises(SettingError, match=r"in memory.*`source=`"):
        check_leaks(rows, run)
    assert check_leaks(rows, run, allow_copies=True).not_compared == "the source was not at hand"


def test_the_source_is_found_by_the_record(embedder, written, tmp_path):
    make_rows().to_parquet(tmp_path / "rows.parquet")
    condenser = KCenterCondenser(embedder=embedder)
    kept = condenser.condense(str(tmp_path / "rows.parquet"), per_class=1)
    run = replace(condenser.run_, stages={"writing": None})
    assert len(check_leaks(kept, run).copies.verbatim) == 3


def test_every_text_of_every_column_is_looked_through(few, condenser):
    chats = [[{"role": "user", "content": content}] for content in ("hi", "ho", "hi", "ho", "hi", "a@b.org")]
    rows = few.add_column("chat", chats)
    rows = rows.add_column("note", ["", "", "call +44 20 7946 0958", "", "", ""])
    found = check_leaks(rows, condenser.run_).findings
    assert {(f.row, f.column, f.kind) for f in found} == {(5, "chat", "email address"), (2, "note", "phone number")}


def test_what_was_found_is_never_shown(few, condenser):
    secret = "hf_" + "Q7w" * 12
    rows = with_texts(few, [f"my key is {secret}", *few["text"][1:]])
    report = check_leaks(rows, condenser.run_)
    with pytest.raises(LeakError) as refused:
        report.raise_refusals()
    assert "row 0, column 'text': Hugging Face token h... (39 characters)" in str(refused.value)
    assert secret[:6] not in str(refused.value) + repr(report)


def test_findings_can_be_allowed_and_are_still_reported(few, condenser):
    rows = with_texts(few, ["write to a.b@example.org", *few["text"][1:]])
    report = check_leaks(rows, condenser.run_, allow_personal_data=True)
    assert report.kinds == {"email address": 1} and not report.refusals


def test_many_findings_are_counted_and_the_first_named(few, condenser):
    rows = Dataset.from_dict({"text": [f"p{i}@example.org" for i in range(30)], "label": [0] * 30})
    with pytest.raises(LeakError, match=r"30 place\(s\).*row 9,.*and 20 more") as refused:
        check_leaks(rows, condenser.run_).raise_refusals()
    assert "row 10," not in str(refused.value)


def test_rows_of_other_columns_need_their_own_record(written):
    rows, run = written
    with pytest.raises(SettingError, match="record of the run"):
        check_leaks(rows.rename_column("text", "other"), run, source=make_rows())
