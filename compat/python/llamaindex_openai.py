"""LlamaIndex for Python, by its class for servers that speak as OpenAI does."""

from contextlib import closing

from llama_index.core.base.llms.types import ChatMessage, ImageBlock, MessageRole, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

from given import key, url, version_of, weather_of

version = version_of("llama-index-core", "llama-index-llms-openai-like", "openai")


class City(BaseModel):
    city: str
    celsius: int


def model_of(order, **more):
    return OpenAILike(
        model=order["model"],
        api_key=key,
        api_base=f"{url}/v1",
        is_chat_model=True,
        is_function_calling_model=True,
        max_retries=3,
        **more,
    )


def user(text):
    return ChatMessage(role=MessageRole.USER, content=text)


def ask(order):
    return model_of(order).chat([user(order["text"])]).message.content


def stream(order):
    with closing(model_of(order).stream_chat([user(order["text"])])) as chunks:
        for chunk in chunks:
            yield chunk.delta


def tools(order):
    def weather(city: str) -> str:
        """Of a city."""
        return weather_of(city)

    model, offered = model_of(order), [FunctionTool.from_defaults(fn=weather)]
    history = [user(order["text"])]
    answer = model.chat_with_tools(offered, chat_history=history, allow_parallel_tool_calls=True)
    history.append(answer.message)
    for call in model.get_tool_calls_from_response(answer):
        result = weather_of(**call.tool_kwargs)
        history.append(
            ChatMessage(role=MessageRole.TOOL, content=result, additional_kwargs={"tool_call_id": call.tool_id})
        )
    return model.chat_with_tools(offered, chat_history=history).message.content


def structured(order):
    model = model_of(order, should_use_structured_outputs=True)
    return model.as_structured_llm(City).chat([user(order["text"])]).raw.model_dump()


def vision(order):
    blocks = [TextBlock(text=order["text"]), ImageBlock(url=order["picture"])]
    return model_of(order).chat([ChatMessage(role=MessageRole.USER, blocks=blocks)]).message.content
