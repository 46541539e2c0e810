"""A handler for the real `runpod` package: what kind of job it is stands in its input."""

import time

import runpod


def handler(job):
    wish = job["input"]
    kind = wish.get("kind")
    if kind == "stream":
        for n in range(wish["count"]):
            yield {"n": n}
        return
    if kind == "sleep":
        # In small steps, so that a stop between two of them counts.
        for _ in range(int(wish["seconds"] * 10)):
            time.sleep(0.1)
            yield {"slept": True}
        return
    if kind == "fail":
        raise ValueError("the handler was asked to fail")
    if kind == "diverged":
        # The package writes both as words that JSON has not.
        yield {"loss": float("nan"), "best": float("-inf"), "steps": 3}
        return
    if kind == "progress":
        runpod.serverless.progress_update(job, "half way")
        time.sleep(1)
    yield {"echo": wish}


runpod.serverless.start({"handler": handler, "return_aggregate_stream": True})
