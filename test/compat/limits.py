"""OpenAI's package, unmodified, at limits and caps: prints what it read and what it raised. Arguments: base URL, keys as JSON."""
import json
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import openai

base, keys = sys.argv[1], json.loads(sys.argv[2])
question = {"model": "alpha", "max_tokens": 4, "messages": [{"role": "user", "content": "hello"}]}


def client(name, retries=3):
    return openai.OpenAI(base_url=f"{base}/v1", api_key=keys[name], max_retries=retries)


def raised(call):
    try:
        call()
    except openai.APIStatusError as error:
        return {"raised": type(error).__name__, "code": error.code, "headers": told(error.response.headers)}
    return {"raised": None}


def told(headers):
    names = ("ratelimit", "retry-after", "x-should-retry")
    return {name: value for name, value in headers.items() if name.startswith(("x-ratelimit",) + names)}


def asks(name, retries=3, **more):
    return lambda: client(name, retries).chat.completions.create(**{**question, **more})


def until_refused(name):
    for _ in range(1000):
        found = raised(asks(name))
        if found["raised"] is not None:
            return found
    raise SystemExit("nothing was refused")


def seen(name, refusals):
    """Comes back once the door has seen so many refusals of the key."""
    urllib.request.urlopen(f"{base}/seen?key={keys[name]}&refusals={refusals}").read()


def at_once():
    stream = client("narrow").chat.completions.create(**{**question, "max_tokens": 20000}, stream=True)
    next(iter(stream))
    refused = raised(asks("narrow", retries=0))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asks("narrow", retries=5))
        seen("narrow", 2)
        stream.close()
        answer = waiting.result()
    return {**refused, "then": len(answer.choices)}


raw = client("free").chat.completions.with_raw_response.create(**question)
with client("free").chat.completions.with_streaming_response.create(**question, stream=True) as streamed:
    stream_headers = told(streamed.headers)
    chunks = sum(1 for _ in streamed.parse())
client("minute").chat.completions.create(**question)
found = {
    "version": openai.__version__,
    "read": {"headers": told(raw.headers), "choices": len(raw.parse().choices)},
    "streamed": {"headers": stream_headers, "chunks": chunks},
    "minute": raised(asks("minute", retries=0)),
    "spent": until_refused("spent"),
    "again": raised(asks("spent")),
    "beyond": raised(asks("free", max_tokens=1000000)),
    "at once": at_once(),
}
print(json.dumps(found))
