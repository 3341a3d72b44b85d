"""Condensers by the name of their repository."""

from huggingface_hub import HfApi

from condensers import AutoCondenser, KCenterCondenser


def test_condensers_come_from_the_hub_at_the_revision_asked_for(hub, embedder, dataset):
    first = KCenterCondenser(embedder=embedder, per_class=2, seed=1)
    rows = first.condense(dataset)
    first.push_to_hub("me/k-center", private=True)
    commit = HfApi().model_info("me/k-center").sha
    KCenterCondenser(embedder=embedder, per_class=3).push_to_hub("me/k-center")
    assert AutoCondenser.from_pretrained("me/k-center", embedder=embedder).config.per_class == 3
    earlier = AutoCondenser.from_pretrained("me/k-center", revision=commit, embedder=embedder)
    assert (type(earlier), earlier.config.per_class, earlier.config.seed) == (KCenterCondenser, 2, 1)
    assert earlier.condense(dataset).to_dict() == rows.to_dict()
    assert hub.repositories["model", "me/k-center"].private
