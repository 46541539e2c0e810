"""OpenAI's package for Python, by Responses."""

import json

import openai

from given import WEATHER_PARAMETERS, key, url, version_of, weather_of
from openai_chat import City

version = version_of("openai")
client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=3)


def ask(order):
    return client.responses.create(model=order["model"], input=order["text"]).output_text


def stream(order):
    with client.responses.create(model=order["model"], input=order["text"], stream=True) as events:
        for event in events:
            if event.type == "response.output_text.delta":
                yield event.delta


def tools(order):
    offered = [{"type": "function", "name": "weather", "parameters": WEATHER_PARAMETERS, "strict": True}]
    asked = [{"role": "user", "content": order["text"]}]
    answer = client.responses.create(model=order["model"], input=asked, tools=offered)
    for item in answer.output:
        asked.append(item)
        if item.type == "function_call":
            result = weather_of(**json.loads(item.arguments))
            asked.append({"type": "function_call_output", "call_id": item.call_id, "output": result})
    return client.responses.create(model=order["model"], input=asked, tools=offered).output_text


def structured(order):
    answer = client.responses.parse(model=order["model"], input=order["text"], text_format=City)
    return answer.output_parsed.model_dump()


def vision(order):
    content = [
        {"type": "input_text", "text": order["text"]},
        {"type": "input_image", "image_url": order["picture"], "detail": "auto"},
    ]
    return client.responses.create(model=order["model"], input=[{"role": "user", "content": content}]).output_text
