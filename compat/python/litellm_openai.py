from given import url
from litellm_models import Client, version  # noqa: F401

client = Client("openai", f"{url}/v1")
ask, stream, tools, structured, vision = client.ask, client.stream, client.tools, client.structured, client.vision
