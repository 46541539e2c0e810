"""python -m unittest, in this folder, where the requirements are installed."""

import base64
import json
import struct
import threading
import unittest
import urllib.error
import urllib.request
from http.server import ThreadingHTTPServer

import server

MODEL = server.load_model()


class Embeddings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.draining = threading.Event()
        cls.http = ThreadingHTTPServer(("127.0.0.1", 0), server.handler_of(MODEL, cls.draining))
        threading.Thread(target=cls.http.serve_forever, daemon=True).start()
        cls.url = f"http://127.0.0.1:{cls.http.server_address[1]}"

    @classmethod
    def tearDownClass(cls):
        cls.http.shutdown()
        cls.http.server_close()

    def ask(self, path, body=None):
        data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, data=data)) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def vectors(self, texts, **more):
        status, answer = self.ask("/v1/embeddings", {"input": texts, "model": server.MODEL, **more})
        self.assertEqual(status, 200, answer)
        return [one["embedding"] for one in answer["data"]]

    def test_what_means_the_same_is_near(self):
        cat, kitten, market = self.vectors(["a cat sat on the mat", "a kitten sits on a rug", "the stock market fell"])
        dot = lambda one, other: sum(a * b for a, b in zip(one, other))
        self.assertGreater(dot(cat, kitten), dot(cat, market) + 0.2)
        self.assertAlmostEqual(dot(cat, cat), 1, places=4)

    def test_one_text_is_as_a_list_of_one(self):
        self.assertEqual(self.vectors("hello"), self.vectors(["hello"]))

    def test_base64_holds_the_same_numbers(self):
        [plain] = self.vectors("hello")
        [packed] = self.vectors("hello", encoding_format="base64")
        numbers = struct.unpack("<256f", base64.b64decode(packed))
        self.assertEqual(len(plain), 256)
        for one, other in zip(plain, numbers):
            self.assertAlmostEqual(one, other, places=6)

    def test_fewer_dimensions_have_length_one(self):
        for dimensions in (64, 128, 256):
            [row] = self.vectors("hello", dimensions=dimensions)
            self.assertEqual(len(row), dimensions)
            self.assertAlmostEqual(sum(one * one for one in row), 1, places=4)

    def test_counts_tokens(self):
        _, answer = self.ask("/v1/embeddings", {"input": ["hello world", "hello"]})
        self.assertEqual(answer["usage"], {"prompt_tokens": 3, "total_tokens": 3})

    def test_refuses_by_name(self):
        for body, param in [
            (b"{", None),
            ([], None),
            ({}, "input"),
            ({"input": []}, "input"),
            ({"input": [1, 2]}, "input"),
            ({"input": ""}, "input"),
            ({"input": ["x"] * (server.INPUTS_MAX + 1)}, "input"),
            ({"input": "x", "dimensions": 100}, "dimensions"),
            ({"input": "x", "dimensions": True}, "dimensions"),
            ({"input": "x", "encoding_format": "hex"}, "encoding_format"),
        ]:
            status, answer = self.ask("/v1/embeddings", body)
            self.assertEqual((status, answer["error"]["param"]), (400, param), body if len(str(body)) < 99 else "long")
        self.assertEqual(len(self.vectors(["x"] * server.INPUTS_MAX)), server.INPUTS_MAX)

    def test_refuses_a_body_that_is_too_large_unread(self):
        request = urllib.request.Request(self.url + "/v1/embeddings", data=b"{}")
        request.add_unredirected_header("Content-length", str(server.BODY_BYTES_MAX + 1))
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        self.assertEqual(refused.exception.code, 413)

    def test_other_paths_and_models(self):
        self.assertEqual(self.ask("/nothing")[0], 404)
        self.assertEqual(self.ask("/v1/chat/completions", {})[0], 404)
        self.assertEqual([one["id"] for one in self.ask("/v1/models")[1]["data"]], [server.MODEL])

    def test_says_that_it_drains(self):
        self.assertEqual(self.ask("/health")[0], 200)
        self.draining.set()
        try:
            self.assertEqual(self.ask("/health"), (503, {"status": "draining"}))
        finally:
            self.draining.clear()


if __name__ == "__main__":
    unittest.main()
