"""LiteLLM as a client, over whichever of its providers."""

import json
import os
from contextlib import closing

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm  # noqa: E402

from given import CITY_SCHEMA, WEATHER_PARAMETERS, key, version_of, weather_of  # noqa: E402

version = version_of("litellm")
litellm.suppress_debug_info = True


class Client:
    def __init__(self, provider, base):
        self.provider = provider
        self.base = base

    def complete(self, order, messages, **more):
        return litellm.completion(
            model=f"{self.provider}/{order['model']}",
            api_base=self.base,
            api_key=key,
            messages=messages,
            max_tokens=256,
            num_retries=3,
            **more,
        )

    def ask(self, order):
        return self.complete(order, user(order["text"])).choices[0].message.content

    def stream(self, order):
        with closing(self.complete(order, user(order["text"]), stream=True)) as chunks:
            for chunk in chunks:
                yield chunk.choices[0].delta.content

    def tools(self, order):
        function = {"name": "weather", "description": "Of a city.", "parameters": WEATHER_PARAMETERS}
        offered = [{"type": "function", "function": function}]
        messages = user(order["text"])
        message = self.complete(order, messages, tools=offered).choices[0].message
        messages.append(message)
        for call in message.tool_calls:
            result = weather_of(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        return self.complete(order, messages, tools=offered).choices[0].message.content

    def structured(self, order):
        form = {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": CITY_SCHEMA}}
        answer = self.complete(order, user(order["text"]), response_format=form)
        return json.loads(answer.choices[0].message.content)

    def vision(self, order):
        content = [
            {"type": "text", "text": order["text"]},
            {"type": "image_url", "image_url": {"url": order["picture"]}},
        ]
        return self.complete(order, user(content)).choices[0].message.content


def user(content):
    return [{"role": "user", "content": content}]
