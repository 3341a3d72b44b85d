"""What holds for the package as a whole."""

import subprocess
import sys

import pytest

import condensers
from condensers import errors


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_public_names_are_sorted_and_load():
    def key(name):
        return (not name.isupper(), not name[0].isupper(), name)

    assert condensers.__all__ == sorted(condensers.__all__, key=key)
    assert sorted(condensers.__all__) == sorted(condensers._PUBLIC)
    for name in condensers.__all__:
        assert getattr(condensers, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = condensers.nothing


def test_import_and_help_load_nothing_heavy():
    heavy = "{'torch', 'transformers', 'datasets', 'sklearn', 'numpy', 'openai'}"
    assert python(f"import sys, condensers; print(sorted({heavy} & set(sys.modules)))") == "[]"
    assert python(f"import sys, condensers.cli; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_the_tree_of_errors_is_the_one_drawn():
    leaves = [cls for cls in errors.CondensersError.__subclasses__() if cls.__module__ == errors.__name__]
    assert sorted(cls.__name__ for cls in [errors.CondensersError, *leaves]) == errors.__all__
    for cls in leaves:
        builtin = cls.__bases__[1]
        assert f"{cls.__name__}" in errors.__doc__
        assert f"({builtin.__name__})" in next(line for line in errors.__doc__.splitlines() if cls.__name__ in line)


def test_errors_cross_processes():
    import pickle

    for name in errors.__all__:
        error = getattr(errors, name)("what, which value, what to do")
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), "what, which value, what to do")


def test_versions_agree():
    from importlib.metadata import version

    assert condensers.__version__ == version("condensers")
