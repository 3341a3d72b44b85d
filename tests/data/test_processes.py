import json

import numpy as np
import pytest
from warm_processes import run_on_two

from condensers.data import agreed, gathered, joined, own_part, process_count, process_index, summed, wait

TOGETHER = """
import json
import numpy as np
from condensers.data import *
meet()
me = process_index()
found = {
    "place": [me, process_count()],
    "part": [own_part(7).start, own_part(7).stop],
    "agreed": agreed(f"of {me}"),
    "gathered": gathered(["a", "b"] if me else ["c"]),
    "joined": joined(np.arange(6.0).reshape(3, 2)[2 * me : 2 + me]).tolist(),
    "summed": [part.tolist() for part in summed(np.asarray([[1, 2 + me]]), np.asarray(0.5))],
}
if me:
    with alone():
        found["alone"] = [process_index(), process_count(), agreed("mine"), own_part(7).stop, *summed(np.ones(1))[0]]
        meet()
wait()
print(json.dumps(found))
"""


def test_one_process_is_all_there_are():
    assert (process_index(), process_count(), own_part(7)) == (0, 1, slice(0, 7))
    part = np.arange(3)
    assert joined(part) is part and summed(part)[0] is part
    assert agreed("it") == "it" and gathered([1]) == [1]
    wait()


@pytest.mark.slow
def test_two_processes_put_together_what_each_has(tmp_path):
    first, second = (json.loads(said.splitlines()[-1]) for said in run_on_two(TOGETHER, folder=tmp_path))
    assert (first.pop("place"), second.pop("place")) == ([0, 2], [1, 2])
    assert (first.pop("part"), second.pop("part")) == ([0, 3], [3, 7])
    assert second.pop("alone") == [0, 1, "mine", 7, 1.0]
    assert first == second
    assert first == {
        "agreed": "of 0",
        "gathered": ["c", "a", "b"],
        "joined": [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]],
        "summed": [[[2.0, 5.0]], 1.0],
    }
