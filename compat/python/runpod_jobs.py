"""Runpod's own client for Python: jobs, whose input is a request for chat completions."""

import json
import os
import re

from given import key, url, version_of

os.environ["RUNPOD_ENDPOINT_BASE_URL"] = f"{url}/v2"
import runpod  # noqa: E402

version = version_of("runpod")
runpod.api_key = key


class Failed(Exception):
    pass


def asked(order, **more):
    return {"input": {"messages": [{"role": "user", "content": order["text"]}], "max_tokens": 256, **more}}


def ask(order):
    job = runpod.Endpoint(order["model"]).run(asked(order))
    output = job.output(timeout=90)
    if job.status() != "COMPLETED":
        raise Failed(f"the job is {job.status()}: {output}")
    return output["choices"][0]["message"]["content"]


def stream(order):
    job = runpod.Endpoint(order["model"]).run(asked(order, stream=True))
    try:
        # Pieces come as the endpoint wrote them: events.
        for events in job.stream():
            for found in re.findall(r"^data: (\{.*\})$", events, re.M):
                choices = json.loads(found).get("choices") or [{}]
                yield choices[0].get("delta", {}).get("content")
    except GeneratorExit:
        job.cancel()
        return
    if job.status() != "COMPLETED":
        raise Failed(f"the job is {job.status()}")
