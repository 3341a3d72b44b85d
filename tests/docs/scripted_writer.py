"""A language model for the pages of the documentation: it writes new texts out of the words that it is shown."""

import json
import random
import re

_TEXT = re.compile(r"<text>(.*?)</text>", re.DOTALL)
_WANTED = re.compile(r"- (\d+) with the label <label>(.*?)</label>")
_LABEL = re.compile(r"<label>(.*?)</label>")


def reply_to(request):
    """What a server with such a model behind it says."""
    body = request.body
    asked = body["messages"][-1]["content"]
    draw = random.Random(json.dumps(body, sort_keys=True))
    texts = _TEXT.findall(asked) or [asked]
    if "response_format" in body:
        return json.dumps(_structured(body["response_format"]["json_schema"]["name"], asked, texts, draw))
    if re.search(r"one a line|numbered from 1", asked):
        return "\n".join(f"{i}. {_reworded(draw.choice(texts), draw)}" for i in range(1, 11))
    return _reworded(texts[-1], draw)


def _structured(kind, asked, texts, draw):
    if kind == "Features":
        labels = dict.fromkeys(_LABEL.findall(asked))
        return {"features": [{"label": label, "feature": label, "exemplars": texts[:1]} for label in labels]}
    if kind == "UniversalFeatures":
        return {"features": ["short messages"]}
    wanted = [label for n, label in _WANTED.findall(asked) for _ in range(int(n))]
    return {
        "samples": [{"label": label, "text": f"{label} {_reworded(draw.choice(texts), draw)}"} for label in wanted]
    }


def _reworded(text, draw):
    """The words of a text in another order, and one that makes it new."""
    words = text.split()
    draw.shuffle(words)
    return " ".join([*words[:30], f"really{draw.randrange(10**6)}"])
