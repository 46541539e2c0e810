"""OpenAI's package for Python, by chat completions."""

import json

import openai
from pydantic import BaseModel

from given import WEATHER_PARAMETERS, key, url, version_of, weather_of

version = version_of("openai")
client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=3)


class City(BaseModel):
    city: str
    celsius: int


def user(content):
    return [{"role": "user", "content": content}]


def ask(order):
    answer = client.chat.completions.create(model=order["model"], messages=user(order["text"]))
    return answer.choices[0].message.content


def stream(order):
    with client.chat.completions.create(model=order["model"], messages=user(order["text"]), stream=True) as chunks:
        for chunk in chunks:
            if chunk.choices:
                yield chunk.choices[0].delta.content


def tools(order):
    offered = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER_PARAMETERS}}]
    messages = user(order["text"])
    answer = client.chat.completions.create(model=order["model"], messages=messages, tools=offered)
    message = answer.choices[0].message
    messages.append(message)
    for call in message.tool_calls:
        result = weather_of(**json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    answer = client.chat.completions.create(model=order["model"], messages=messages, tools=offered)
    return answer.choices[0].message.content


def structured(order):
    answer = client.chat.completions.parse(
        model=order["model"], messages=user(order["text"]), response_format=City
    )
    return answer.choices[0].message.parsed.model_dump()


def vision(order):
    content = [
        {"type": "text", "text": order["text"]},
        {"type": "image_url", "image_url": {"url": order["picture"]}},
    ]
    answer = client.chat.completions.create(model=order["model"], messages=user(content))
    return answer.choices[0].message.content
