# pip install openai
import os

from openai import OpenAI

client = OpenAI(base_url=f"{os.environ['WARMPATH_URL']}/v1", api_key=os.environ["WARMPATH_KEY"])
with client.chat.completions.create(
    model=os.environ["WARMPATH_MODEL"],
    messages=[{"role": "user", "content": "Say hello"}],
    stream=True,
) as stream:
    for chunk in stream:
        if chunk.choices:
            print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
