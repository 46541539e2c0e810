"""Where the router is, and what every client is given alike."""

import os
from importlib.metadata import version

url = os.environ.get("COMPAT_URL", "")
key = os.environ.get("COMPAT_KEY", "")

WEATHER_PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
CITY_SCHEMA = {
    "title": "city",
    "description": "One city.",
    "type": "object",
    "properties": {"city": {"type": "string"}, "celsius": {"type": "integer"}},
    "required": ["city", "celsius"],
    "additionalProperties": False,
}


def weather_of(city):
    """The tool that the model calls."""
    return f"cold in {city}"


def version_of(*names):
    return ", ".join(f"{name} {version(name)}" for name in names)
