"""What the unmodified Python packages report of streams that end as the argument says. One JSON line each."""

import json
import sys

import anthropic
import openai

base, key, names = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
for name in names:
    headers = {"x-speech": name, "x-warmpath-place": "us-east"}
    messages = [{"role": "user", "content": "x"}]
    try:
        if name.startswith("messages"):
            client = anthropic.Anthropic(
                api_key=key, base_url=f"{base}/p/only", max_retries=0, default_headers=headers
            )
            with client.messages.stream(model="only", max_tokens=9, messages=messages) as stream:
                text = "".join(stream.text_stream)
            stop = stream.get_final_message().stop_reason
            print(json.dumps({"name": name, "ended": stop, "text": text}))
        else:
            client = openai.OpenAI(api_key=key, base_url=f"{base}/v1", max_retries=0, default_headers=headers)
            text = ""
            for chunk in client.chat.completions.create(model="only", messages=messages, stream=True):
                text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
            print(json.dumps({"name": name, "ended": "clean", "text": text}))
    except (openai.APIError, anthropic.APIError) as error:
        print(json.dumps({"name": name, "ended": "APIError", "message": str(error)[:60]}))
    except Exception as error:  # The point of the test: no other exception may come.
        print(json.dumps({"name": name, "ended": type(error).__name__, "message": str(error)[:60]}))
