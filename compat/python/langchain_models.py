"""LangChain for Python, over whichever of its models."""

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool

from given import CITY_SCHEMA, weather_of


@tool
def weather(city: str) -> str:
    """Of a city."""
    return weather_of(city)


class Client:
    """`model_of` makes the chat model of a name."""

    def __init__(self, model_of):
        self.model_of = model_of

    def ask(self, order):
        return text_of(self.model_of(order["model"]).invoke(order["text"]))

    def stream(self, order):
        for chunk in self.model_of(order["model"]).stream(order["text"]):
            yield text_of(chunk)

    def tools(self, order):
        bound = self.model_of(order["model"]).bind_tools([weather])
        messages = [HumanMessage(order["text"])]
        answer = bound.invoke(messages)
        messages.append(answer)
        for call in answer.tool_calls:
            messages.append(ToolMessage(weather_of(**call["args"]), tool_call_id=call["id"]))
        return text_of(bound.invoke(messages))

    def structured(self, order):
        return self.model_of(order["model"]).with_structured_output(CITY_SCHEMA).invoke(order["text"])

    def vision(self, order):
        content = [
            {"type": "text", "text": order["text"]},
            {"type": "image_url", "image_url": {"url": order["picture"]}},
        ]
        return text_of(self.model_of(order["model"]).invoke([HumanMessage(content)]))


def text_of(message):
    return str(message.text)
