"""Real sentence embeddings on a CPU, in OpenAI's form: a server to route to for whoever has no GPU.

The model comes inside the package `wordllama` (256 dimensions, 16 MB; Matryoshka, so shorter vectors are its first
members), and nothing is downloaded. One thread a connection; the work itself is NumPy.

    python server.py --port 8001

Paths: GET /health (200; 503 once a SIGTERM has come), GET /v1/models, POST /v1/embeddings with `input` as a text or a
list of texts, `dimensions` (64, 128 or 256) and `encoding_format` (`float` or `base64`).
"""

import argparse
import base64
import json
import pathlib
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy
import wordllama

MODEL = "wordllama-l2-supercat-256"
DIMENSIONS = (64, 128, 256)
#: A body beyond it is refused unread.
BODY_BYTES_MAX = 8 * 1024 * 1024
#: Texts of one request: OpenAI's own bound.
INPUTS_MAX = 2048


class Refused(Exception):
    """What the client can mend: the text says how."""

    def __init__(self, message, param=None, status=400):
        super().__init__(message)
        self.param = param
        self.status = status


def load_model():
    # The package looks for its own files below the folder that it would download to.
    own = pathlib.Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(cache_dir=own, disable_download=True)


def read_request(body):
    """(texts, dimensions, encoding) of the JSON of a request; raises Refused."""
    try:
        asked = json.loads(body)
    except ValueError:
        raise Refused("The body is not JSON.") from None
    if not isinstance(asked, dict):
        raise Refused("The body must be a JSON object.")
    given = asked.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(one, str) for one in texts):
        raise Refused("input must be a text or a list of texts; lists of tokens are not taken.", "input")
    if len(texts) > INPUTS_MAX:
        raise Refused(f"input has {len(texts)} texts; {INPUTS_MAX} are taken at once.", "input")
    if any(one == "" for one in texts):
        raise Refused("input must not hold an empty text.", "input")
    dimensions = asked.get("dimensions")
    dimensions = DIMENSIONS[-1] if dimensions is None else dimensions
    if dimensions not in DIMENSIONS or isinstance(dimensions, bool):
        raise Refused(f"dimensions must be one of {', '.join(map(str, DIMENSIONS))}.", "dimensions")
    encoding = asked.get("encoding_format")
    encoding = "float" if encoding is None else encoding
    if encoding not in ("float", "base64"):
        raise Refused("encoding_format must be float or base64.", "encoding_format")
    return texts, dimensions, encoding


def embed(model, texts, dimensions):
    """One row a text, of length 1."""
    rows = numpy.asarray(model.embed(texts, norm=False), dtype=numpy.float32)[:, :dimensions]
    lengths = numpy.linalg.norm(rows, axis=1, keepdims=True)
    return rows / numpy.where(lengths == 0, 1, lengths)


def answer_of(model, body):
    texts, dimensions, encoding = read_request(body)
    rows = embed(model, texts, dimensions)
    shown = (
        [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in rows]
        if encoding == "base64"
        else [[float(one) for one in row] for row in rows]
    )
    tokens = sum(sum(one.attention_mask) for one in model.tokenize(texts))
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": at, "embedding": one} for at, one in enumerate(shown)],
        "model": MODEL,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def handler_of(model, draining):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path in ("/health", "/ping"):
                self.reply(503 if draining.is_set() else 200, {"status": "draining" if draining.is_set() else "ok"})
            elif self.path == "/v1/models":
                entry = {"id": MODEL, "object": "model", "created": 0, "owned_by": "warmpath"}
                self.reply(200, {"object": "list", "data": [entry]})
            else:
                self.refuse(404, f"There is no {self.path} here.")

        def do_POST(self):
            size = self.headers.get("content-length", "")
            if not size.isdigit() or int(size) > BODY_BYTES_MAX:
                self.close_connection = True
                return self.refuse(413, f"A body needs a content-length of {BODY_BYTES_MAX} bytes at most.")
            body = self.rfile.read(int(size))
            if self.path != "/v1/embeddings":
                return self.refuse(404, f"There is no {self.path} here.")
            try:
                self.reply(200, answer_of(model, body))
            except Refused as refused:
                self.refuse(refused.status, str(refused), refused.param)

        def refuse(self, status, message, param=None):
            error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
            self.reply(status, {"error": error})

        def reply(self, status, value):
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Nothing of a request is logged."""

    return Handler


class Server(ThreadingHTTPServer):
    #: Connections that wait to be taken: a burst must not be refused.
    request_queue_size = 128
    # A connection that is kept open holds nobody up.
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def serve(host, port, model):
    draining = threading.Event()
    server = Server((host, port), handler_of(model, draining))

    def stop(*_):
        if draining.is_set():
            sys.exit(1)
        draining.set()
        threading.Thread(target=server.shutdown).start()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    print(f"embeddings at http://{host}:{server.server_address[1]}", flush=True)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Sentence embeddings on a CPU, in OpenAI's form.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0 takes any free one")
    options = parser.parse_args()
    serve(options.host, options.port, load_model())
