"""The command `llm`, as a program of its own for each question. Its settings are a file, which is made for the run."""

import json
import os
import subprocess
import sys
import tempfile
from base64 import b64decode
from pathlib import Path

from given import CITY_SCHEMA, key, url, version_of

version = version_of("llm")
home = tempfile.mkdtemp(prefix="llm-", dir=os.environ.get("COMPAT_RUN"))
models = ["scripted", "main", "narrow"]
Path(home, "extra-openai-models.yaml").write_text(
    "".join(
        f"- model_id: {name}\n  model_name: {name}\n  api_base: {url}/v1\n  api_key_name: warmpath\n"
        "  vision: true\n  supports_tools: true\n  supports_schema: true\n"
        for name in models
    )
)
Path(home, "keys.json").write_text(json.dumps({"warmpath": key}))
command = [sys.executable, "-m", "llm", "prompt", "--no-log"]
environment = {**os.environ, "LLM_USER_PATH": home}


class Failed(Exception):
    pass


def run(*more, text):
    done = subprocess.run(
        [*command, *more, text], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Failed(done.stderr[-500:])
    return done.stdout.removesuffix("\n")


def ask(order):
    return run("-m", order["model"], "--no-stream", text=order["text"])


def stream(order):
    """As it comes out of the command, character by character; closing it is Ctrl-C."""
    child = subprocess.Popen(
        [*command, "-m", order["model"], order["text"]],
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        while piece := child.stdout.read1(64):
            yield piece.decode(errors="replace").removesuffix("\n")
        if child.wait() != 0:
            raise Failed(child.stderr.read().decode()[-500:])
    finally:
        child.terminate()
        child.wait()


def tools(order):
    functions = 'def weather(city: str) -> str:\n    "Of a city."\n    return f"cold in {city}"\n'
    return run("-m", order["model"], "--no-stream", "--functions", functions, text=order["text"])


def structured(order):
    return json.loads(run("-m", order["model"], "--no-stream", "--schema", json.dumps(CITY_SCHEMA), text=order["text"]))


def vision(order):
    picture = Path(home, "picture.png")
    picture.write_bytes(b64decode(order["picture"].split(",", 1)[1]))
    return run("-m", order["model"], "--no-stream", "-a", str(picture), text=order["text"])
