from langchain_anthropic import ChatAnthropic

from given import key, url, version_of
from langchain_models import Client

version = version_of("langchain-core", "langchain-anthropic")
client = Client(lambda model: ChatAnthropic(model=model, api_key=key, base_url=url, max_retries=3, max_tokens=256))
ask, stream, tools, structured, vision = client.ask, client.stream, client.tools, client.structured, client.vision
