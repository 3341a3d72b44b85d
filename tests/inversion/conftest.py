"""A trained inverter and corrector; training them takes seconds, so it is done once."""

import pytest
import torch
from tiny_inverters import tiny_inverter, trainer_for, word_rows

from condensers.inversion.inverter import InverterCorrector


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    inverter = tiny_inverter()
    trainer_for(inverter, tmp_path_factory.mktemp("inverter"), word_rows(), max_steps=60).train()
    return inverter.eval()


@pytest.fixture(scope="session")
def corrector(trained, tmp_path_factory):
    torch.manual_seed(0)
    made = InverterCorrector.from_inverter(trained)
    folder = tmp_path_factory.mktemp("corrector")
    trainer_for(made, folder, word_rows(seed=1), inverter=trained, max_steps=40).train()
    return made.eval()
