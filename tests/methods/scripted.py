"""A language model and a reward model that do what a test says, and count what they are asked."""

import hashlib
import json
import re
from collections import Counter

import numpy as np

from condensers.llm import CachedLLM, Completion, StreamingLLM, Usage
from condensers.llm.judging import judged

LABEL = re.compile(r"<label>(.*?)</label>")
TEXT = re.compile(r"<text>(.*?)</text>", re.DOTALL)
WANTED = re.compile(r"- (\d+) with the label <label>(.*?)</label>")
PAIRS_WANTED = re.compile(r"one with the label <label>(.*?)</label> for each of the first texts 1 to (\d+)")
TAGS = {"fruit": "juicy", "metal": "shiny", "bird": "feathered"}


def word(*facts):
    """A short word that no two lists of facts share."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:8]


def asked_in(messages):
    """What a chat asks for: after its examples, and before what it says of a reply."""
    turns = [turn["content"] for turn in messages if turn["role"] == "user"]
    return next(turn for turn in reversed(turns) if not turn.startswith(("Your reply cannot", "Go on with")))


def good_reply(messages, sample, schema):
    """What a model that follows every instruction says."""
    return good_text(messages, sample, schema.__name__ if schema else None)


def served(request):
    """What a server with such a model behind it says; one without schemas is told of them in words."""
    body = request.body
    told = re.findall(r'"title": "(\w+)", "type": "object"}$', body["messages"][-1]["content"])
    kind = body["response_format"]["json_schema"]["name"] if "response_format" in body else (told or [None])[-1]
    return good_text(body["messages"], body.get("seed"), kind)


def good_text(messages, sample, kind):
    asked = next(m["content"] for m in messages if m["role"] == "user")
    unique = word(json.dumps(messages), sample)
    labels = [label for label in TAGS if f"<label>{label}</label>" in asked]
    if kind == "Features":
        return json.dumps({"features": [{"label": n, "feature": TAGS[n], "exemplars": [f"{n} x"]} for n in labels]})
    if kind == "UniversalFeatures":
        return json.dumps({"features": ["numbers", "short"]})
    if kind == "Samples":
        rows = [(n, f"{TAGS.get(n, n)} {unique} {i}") for count, n in WANTED.findall(asked) for i in range(int(count))]
        return json.dumps({"samples": [{"label": n, "text": text} for n, text in rows]})
    if kind == "PairSamples":
        rows = [(n, f"{n} {unique} {i}") for count, n in WANTED.findall(asked) for i in range(int(count))]
        return json.dumps({"samples": [{"label": n, "first": f"a {t}", "second": f"b {t}"} for n, t in rows]})
    if kind == "Premises":
        n = int(re.search(r"Find (\d+) first texts", asked)[1])
        return json.dumps({"premises": [f"premise {unique} {i}" for i in range(n)]})
    if kind == "Seconds":
        rows = [(n, i) for n, count in PAIRS_WANTED.findall(asked) for i in range(1, int(count) + 1)]
        return json.dumps({"samples": [{"number": i, "label": n, "second": f"{n} {unique} {i}"} for n, i in rows]})
    return "Sure, here you are:\n" + "\n".join(f'{i}. "line {unique} {i}"' for i in range(1, 9))


class ScriptedLLM(StreamingLLM):
    """Answers each request with what a function of messages, sample number and schema returns: text or completion."""

    name = "scripted"

    def __init__(self, reply=good_reply, name="scripted"):
        self.reply = reply
        self.name = name
        self.fingerprint = word(name)
        self.usage = Usage()
        self.asked = []

    @property
    def times_asked(self):
        return Counter((json.dumps(messages), sample) for messages, sample, _ in self.asked)

    def stream(self, requests, *, schema=None):
        for i, request in enumerate(requests):
            self.usage.plan(1)
            self.usage.admit()
            self.asked.append((request.to_list(), request.sample, schema))
            reply = self.reply(request.to_list(), request.sample, schema)
            if isinstance(reply, str):
                reply = judged(Completion(reply, n_input_tokens=10, n_output_tokens=5), schema)
            yield i, self.usage.count(reply)

    def cached(self, path):
        return CachedLLM(self, path, keep_problems=True)


class ScriptedRewards:
    """Reads p(y | x) off a text: a function of text, class, and what a coverage model saw (else None)."""

    def __init__(self, confidence, fits=None):
        self.confidence = confidence
        self.fits = [] if fits is None else fits
        self.fitted_on = None

    def __deepcopy__(self, memo):
        return ScriptedRewards(self.confidence, self.fits)

    def fit(self, dataset, *, recipe, text, label, seed, **options):
        rows = dataset[text[-1]][:]
        self.fitted_on = rows if recipe.max_steps else None
        self.fits.append((rows, recipe, seed))
        return self

    def predict_log_proba(self, dataset, *, text, **options):
        n_classes = dataset.features["label"].num_classes
        codes = dataset["label"][:]
        out = np.full((len(dataset), n_classes), 1e-6)
        for i, (words, code) in enumerate(zip(dataset[text[-1]][:], codes, strict=True)):
            p = self.confidence(words, code, self.fitted_on)
            out[i] = (1 - p) / max(n_classes - 1, 1)
            out[i, code] = p
        return np.log(np.maximum(out, 1e-12))
