# pip install anthropic
import os

from anthropic import Anthropic

# The base URL has no /v1: the package adds it.
client = Anthropic(base_url=os.environ["WARMPATH_URL"], api_key=os.environ["WARMPATH_KEY"])
with client.messages.stream(
    model=os.environ["WARMPATH_MODEL"],
    max_tokens=256,
    messages=[{"role": "user", "content": "Say hello"}],
) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)
print()
