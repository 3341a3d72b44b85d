import zipfile

import pytest
from check_wheel import main, missing_files


def test_a_template_that_is_left_out_is_named(tmp_path):
    package = tmp_path / "src" / "condensers"
    (package / "report").mkdir(parents=True)
    for name in ("a.py", "report/page.html"):
        (package / name).write_text("")
    with zipfile.ZipFile(tmp_path / "one.whl", "w") as wheel:
        wheel.writestr("condensers/a.py", "")
    assert missing_files(tmp_path / "one.whl", package) == ["condensers/report/page.html"]


def test_the_check_fails_on_an_empty_wheel(tmp_path):
    with zipfile.ZipFile(tmp_path / "one.whl", "w"):
        pass
    with pytest.raises(SystemExit, match="setup.cfg"):
        main(str(tmp_path))
