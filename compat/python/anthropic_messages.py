"""Anthropic's package for Python."""

import json
import re

import anthropic

from given import CITY_SCHEMA, WEATHER_PARAMETERS, key, url, version_of, weather_of

version = version_of("anthropic")
client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=3)


def asked(order, content=None, **more):
    messages = [{"role": "user", "content": content or order["text"]}]
    return {"model": order["model"], "max_tokens": 256, "messages": messages, **more}


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def ask(order):
    return text_of(client.messages.create(**asked(order)))


def stream(order):
    with client.messages.stream(**asked(order)) as events:
        yield from events.text_stream


def tools(order):
    offered = [{"name": "weather", "description": "Of a city.", "input_schema": WEATHER_PARAMETERS}]
    first = asked(order, tools=offered)
    content = client.messages.create(**first).content
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": weather_of(**block.input)}
        for block in content
        if block.type == "tool_use"
    ]
    more = [{"role": "assistant", "content": content}, {"role": "user", "content": results}]
    return text_of(client.messages.create(**{**first, "messages": first["messages"] + more}))


def structured(order):
    schema = {name: value for name, value in CITY_SCHEMA.items() if name not in ("title", "description")}
    form = {"format": {"type": "json_schema", "schema": schema}}
    return json.loads(text_of(client.messages.create(**asked(order, output_config=form))))


def vision(order):
    kind, data = re.fullmatch(r"data:([^;]*);base64,(.*)", order["picture"]).groups()
    picture = {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}
    return text_of(client.messages.create(**asked(order, [picture, {"type": "text", "text": order["text"]}])))
