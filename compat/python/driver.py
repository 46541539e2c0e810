"""What every client of Python is asked, in the same words, as `js/driver.mjs` asks those of JavaScript: one order a line
in, what the client returned or raised out. The first argument names the client's module."""

import importlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

# More pieces than this come only from an answer that has no end.
PIECES_BEFORE_ABORT = 2

def told(error):
    chain, at = [], error
    while at is not None and len(chain) < 5:
        chain.append(at)
        at = at.__cause__
    statuses = [getattr(one, "status_code", None) for one in chain]
    return {
        "type": type(error).__name__,
        "message": " <- ".join(str(one) for one in chain)[:600],
        "status": next((status for status in statuses if status is not None), None),
    }


def read(client, order, leaves):
    pieces, raised = [], None
    try:
        stream = client.stream(order)
        for text in stream:
            if text:
                pieces.append(text)
            if leaves and len(pieces) == PIECES_BEFORE_ABORT:
                stream.close()
                break
    except Exception as error:
        raised = told(error)
    return {"pieces": pieces, "raised": raised}


def many(client, order):
    with ThreadPoolExecutor(order["count"]) as pool:
        return {"texts": list(pool.map(client.ask, [order] * order["count"]))}


FEATURES = {
    "ask": lambda client, order: {"text": client.ask(order)},
    "tools": lambda client, order: {"text": client.tools(order)},
    "structured": lambda client, order: {"value": client.structured(order)},
    "vision": lambda client, order: {"text": client.vision(order)},
    "stream": lambda client, order: read(client, order, False),
    "abort": lambda client, order: read(client, order, True),
    "many": many,
}


def main():
    # What a client prints by itself must not stand among the answers.
    out, sys.stdout = sys.stdout, sys.stderr
    client = importlib.import_module(sys.argv[1])
    has = [name for name in FEATURES if hasattr(client, name)]
    print(json.dumps({"version": client.version, "has": has}), file=out, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            own = getattr(client, order["feature"], None)
            answer = FEATURES[order["feature"]](client, order) if order["feature"] in FEATURES else own(order)
        except Exception as error:
            answer = {"raised": told(error)}
        print(json.dumps(answer), file=out, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
