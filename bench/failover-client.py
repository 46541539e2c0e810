"""The published `openai` package, its defaults untouched: a call a line in, what the caller saw a line out."""

import asyncio
import json
import os
import sys
import time

from openai import AsyncOpenAI


async def ask(client, body, seen):
    if not body.get("stream"):
        whole = await client.chat.completions.create(**body)
        seen.update(text=whole.choices[0].message.content or "", model=whole.model, hasUsage=whole.usage is not None)
        return
    async for chunk in await client.chat.completions.create(**body):
        seen["model"] = chunk.model or seen["model"]
        seen["hasUsage"] = seen["hasUsage"] or chunk.usage is not None
        for choice in chunk.choices or []:
            seen["text"] += (choice.delta and choice.delta.content) or ""


async def timed(client, call):
    seen = {"text": "", "model": None, "hasUsage": False}
    started = time.monotonic()
    outcome, error = "answer", None
    try:
        await asyncio.wait_for(ask(client, call["body"], seen), call["deadlineMs"] / 1000)
    except asyncio.TimeoutError:
        outcome, error = "hang", "no result by the deadline"
    except Exception as raised:  # whatever the package raises is what its caller gets
        outcome, error = "error", f"{type(raised).__name__}: {raised}"[:300]
    return {**seen, "outcome": outcome, "error": error, "elapsedMs": (time.monotonic() - started) * 1000}


async def main():
    client = AsyncOpenAI(
        base_url=os.environ["BENCH_URL"],
        api_key=os.environ["BENCH_KEY"],
        default_headers=json.loads(os.environ["BENCH_HEADERS"]),
    )
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await timed(client, json.loads(line))), flush=True)


asyncio.run(main())
