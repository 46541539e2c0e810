from langchain_openai import ChatOpenAI

from given import key, url, version_of
from langchain_models import Client

version = version_of("langchain-core", "langchain-openai")
client = Client(lambda model: ChatOpenAI(model=model, api_key=key, base_url=f"{url}/v1", max_retries=3))
ask, stream, tools, structured, vision = client.ask, client.stream, client.tools, client.structured, client.vision
