import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from condensers.embedding import OpenAIEmbedder, embed_texts, load_embedder
from condensers.errors import RowError, ServiceError


class Handler(BaseHTTPRequestHandler):
    """``POST /v1/embeddings``: the vector of a text is (its length, 1), replies are out of order, some calls fail."""

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.requests.append((self.path, body, self.headers["Authorization"]))
        status = server.statuses.pop(0) if server.statuses else 200
        data = [{"object": "embedding", "index": i, "embedding": [len(t), 1]} for i, t in enumerate(body["input"])]
        if server.drop_one:
            data.pop()
        reply = {"object": "list", "data": data[::-1], "model": body["model"], "usage": {}}
        payload = json.dumps(reply if status == 200 else {"error": {"message": "no"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.requests, http.statuses, http.drop_one = [], [], False
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield http
        http.shutdown()
        thread.join()


def url(server):
    return f"http://127.0.0.1:{server.server_port}/v1"


def test_vectors_come_back_in_order_and_normalised(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    embedder = load_embedder(f"small@{url(server)}", prompt="classify:")
    embedder.batch_size = 2
    vectors = embedder.encode(["a", "bb", "ccc"])
    lengths = np.array([len("classify: a"), len("classify: bb"), len("classify: ccc")])
    expected = np.stack([lengths, np.ones(3)], axis=1)
    np.testing.assert_allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), rtol=1e-6)
    assert vectors.dtype == np.float32
    assert sorted(len(body["input"]) for _, body, _ in server.requests) == [1, 2]
    assert {(path, body["model"], key) for path, body, key in server.requests} == {
        ("/v1/embeddings", "small", "Bearer sk-test")
    }


def test_a_server_that_hiccups_is_asked_again(server):
    server.statuses = [429, 500]
    assert OpenAIEmbedder("small", url(server)).encode(["a"]).shape == (1, 2)
    assert len(server.requests) == 3


def test_a_wrong_key_is_one_sentence_without_the_key(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    server.statuses = [401]
    with pytest.raises(ServiceError, match="OPENAI_API_KEY") as caught:
        OpenAIEmbedder("small", url(server)).encode(["a"])
    assert "sk-very-secret" not in str(caught.value)


def test_a_server_that_is_down(server):
    with pytest.raises(ConnectionError, match="Check the address"):
        OpenAIEmbedder("small", "http://127.0.0.1:9/v1", max_retries=0).encode(["a"])


def test_lost_vectors_are_noticed(server):
    server.drop_one = True
    with pytest.raises(RowError, match="1 vectors for 2 texts"):
        OpenAIEmbedder("small", url(server)).encode(["a", "b"])


def test_the_cache_serves_it_too(server, tmp_path):
    embedder = OpenAIEmbedder("small", url(server))
    embed_texts(["a", "b"], embedder, cache_dir=tmp_path)
    again = OpenAIEmbedder("small", url(server))
    assert embed_texts(["a", "b"], again, cache_dir=tmp_path).n_computed == 0
    assert OpenAIEmbedder("small", url(server), prompt="x").fingerprint != again.fingerprint
