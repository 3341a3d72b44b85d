"""Text dataset condensation, and training on synthetic text, for the Hugging Face ecosystem.

Public names load when they are first used, so that ``import condensers`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from condensers.auto_classes import announce

__version__ = "0.1.0"

# Public name -> the room that defines it, or the file where the room would load more than the others need.
_PUBLIC: dict[str, str] = {
    "AugPECondenser": "methods.aug_pe",
    "AutoCondenser": "methods",
    "Budget": "data",
    "Columns": "data",
    "CondenseLMCondenser": "methods.condenselm",
    "Condenser": "methods",
    "CondenserConfig": "methods",
    "CondensersError": "errors",
    "DIMPConfig": "trainers",
    "DIMPSFTConfig": "trainers.dimp_sft_config",
    "DIMPSFTTrainer": "trainers.dimp_sft_trainer",
    "DIMPTrainer": "trainers",
    "DaLLMECondenser": "methods.dallme",
    "DiLMCondenser": "methods.dilm",
    "DiscretizationCondenser": "methods.discretization",
    "E2SCISCondenser": "methods",
    "EL2NCondenser": "methods",
    "EmbeddingCondenser": "methods",
    "EmbeddingInversion": "inversion.inverter",
    "EmbeddingInverter": "inversion.inverter",
    "ErrorExtrapolationCondenser": "methods.error_extrapolation",
    "FacilityLocationCondenser": "methods",
    "FewShotCondenser": "methods.few_shot",
    "FitRecipe": "rewards",
    "FocalConfig": "trainers",
    "FocalTrainer": "trainers",
    "GDIGCondenser": "methods",
    "GreedyKCenterCondenser": "methods",
    "HerdingCondenser": "methods",
    "ImportanceWeightedConfig": "trainers",
    "ImportanceWeightedTrainer": "trainers",
    "InducingPointsCondenser": "methods.inducing_points",
    "InverterCorrector": "inversion.inverter",
    "InverterTrainer": "inversion.inverter",
    "InverterTrainingConfig": "inversion.inverter",
    "KCenterCondenser": "methods",
    "KRRExchangeCondenser": "methods.krr_exchange",
    "KRRRewriteCondenser": "methods.krr_rewrite",
    "LLMRefiner": "refinement",
    "LLMWriter": "inversion",
    "LabelConfidence": "rewards",
    "MGD3Condenser": "methods.mgd3",
    "MetaWeightedConfig": "trainers",
    "MetaWeightedTrainer": "trainers",
    "ModerateCondenser": "methods",
    "PInRCondenser": "methods.pinr",
    "PromptTemplateCondenser": "methods.prompt_template",
    "PromptTemplateWriter": "softsrv.prompted",
    "RandomCondenser": "methods",
    "SelfRefineCondenser": "methods.self_refine",
    "SoftSRVCondenser": "methods.softsrv",
    "SoftSRVConfig": "softsrv",
    "SoftSRVRealiser": "softsrv.realiser",
    "SoftSRVTrainer": "softsrv.trainer",
    "SoftSRVTrainingConfig": "softsrv.training_config",
    "SoftSRVWriter": "softsrv.generation",
    "budget_curve": "evaluation",
    "load_embedder": "embedding",
    "load_lineage": "hub",
    "load_source": "data",
    "load_test_split": "data",
    "metric": "metrics",
    "plot_weights": "trainers",
    "publish": "hub",
    "sample_dataset": "data",
    "score_synthetic": "trainers.synthetic_scores",
}

__all__ = [
    "AugPECondenser",
    "AutoCondenser",
    "Budget",
    "Columns",
    "CondenseLMCondenser",
    "Condenser",
    "CondenserConfig",
    "CondensersError",
    "DIMPConfig",
    "DIMPSFTConfig",
    "DIMPSFTTrainer",
    "DIMPTrainer",
    "DaLLMECondenser",
    "DiLMCondenser",
    "DiscretizationCondenser",
    "E2SCISCondenser",
    "EL2NCondenser",
    "EmbeddingCondenser",
    "EmbeddingInversion",
    "EmbeddingInverter",
    "ErrorExtrapolationCondenser",
    "FacilityLocationCondenser",
    "FewShotCondenser",
    "FitRecipe",
    "FocalConfig",
    "FocalTrainer",
    "GDIGCondenser",
    "GreedyKCenterCondenser",
    "HerdingCondenser",
    "ImportanceWeightedConfig",
    "ImportanceWeightedTrainer",
    "InducingPointsCondenser",
    "InverterCorrector",
    "InverterTrainer",
    "InverterTrainingConfig",
    "KCenterCondenser",
    "KRRExchangeCondenser",
    "KRRRewriteCondenser",
    "LLMRefiner",
    "LLMWriter",
    "LabelConfidence",
    "MGD3Condenser",
    "MetaWeightedConfig",
    "MetaWeightedTrainer",
    "ModerateCondenser",
    "PInRCondenser",
    "PromptTemplateCondenser",
    "PromptTemplateWriter",
    "RandomCondenser",
    "SelfRefineCondenser",
    "SoftSRVCondenser",
    "SoftSRVConfig",
    "SoftSRVRealiser",
    "SoftSRVTrainer",
    "SoftSRVTrainingConfig",
    "SoftSRVWriter",
    "budget_curve",
    "load_embedder",
    "load_lineage",
    "load_source",
    "load_test_split",
    "metric",
    "plot_weights",
    "publish",
    "sample_dataset",
    "score_synthetic",
]

if TYPE_CHECKING:
    from condensers.data import Budget, Columns, load_source, load_test_split, sample_dataset
    from condensers.embedding import load_embedder
    from condensers.errors import CondensersError
    from condensers.evaluation import budget_curve
    from condensers.hub import load_lineage, publish
    from condensers.inversion import LLMWriter
    from condensers.inversion.inverter import (
        EmbeddingInversion,
        EmbeddingInverter,
        InverterCorrector,
        InverterTrainer,
        InverterTrainingConfig,
    )
    from condensers.methods import (
        AutoCondenser,
        Condenser,
        CondenserConfig,
        E2SCISCondenser,
        EL2NCondenser,
        EmbeddingCondenser,
        FacilityLocationCondenser,
        GDIGCondenser,
        GreedyKCenterCondenser,
        HerdingCondenser,
        KCenterCondenser,
        ModerateCondenser,
        RandomCondenser,
    )
    from condensers.methods.aug_pe import AugPECondenser
    from condensers.methods.condenselm import CondenseLMCondenser
    from condensers.methods.dallme import DaLLMECondenser
    from condensers.methods.dilm import DiLMCondenser
    from condensers.methods.discretization import DiscretizationCondenser
    from condensers.methods.error_extrapolation import ErrorExtrapolationCondenser
    from condensers.methods.few_shot import FewShotCondenser
    from condensers.methods.inducing_points import InducingPointsCondenser
    from condensers.methods.krr_exchange import KRRExchangeCondenser
    from condensers.methods.krr_rewrite import KRRRewriteCondenser
    from condensers.methods.mgd3 import MGD3Condenser
    from condensers.methods.pinr import PInRCondenser
    from condensers.methods.prompt_template import PromptTemplateCondenser
    from condensers.methods.self_refine import SelfRefineCondenser
    from condensers.methods.softsrv import SoftSRVCondenser
    from condensers.metrics import metric
    from condensers.refinement import LLMRefiner
    from condensers.rewards import FitRecipe, LabelConfidence
    from condensers.softsrv import SoftSRVConfig
    from condensers.softsrv.generation import SoftSRVWriter
    from condensers.softsrv.prompted import PromptTemplateWriter
    from condensers.softsrv.realiser import SoftSRVRealiser
    from condensers.softsrv.trainer import SoftSRVTrainer
    from condensers.softsrv.training_config import SoftSRVTrainingConfig
    from condensers.trainers import (
        DIMPConfig,
        DIMPTrainer,
        FocalConfig,
        FocalTrainer,
        ImportanceWeightedConfig,
        ImportanceWeightedTrainer,
        MetaWeightedConfig,
        MetaWeightedTrainer,
        plot_weights,
    )
    from condensers.trainers.dimp_sft_config import DIMPSFTConfig
    from condensers.trainers.dimp_sft_trainer import DIMPSFTTrainer
    from condensers.trainers.synthetic_scores import score_synthetic

announce()


def __getattr__(name: str) -> Any:  # noqa: ANN401
    room = _PUBLIC.get(name)
    if room is None:
        raise AttributeError(f"module 'condensers' has no attribute {name!r}")
    return getattr(import_module(f"condensers.{room}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
