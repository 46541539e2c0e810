# pip install openai
import os

from openai import OpenAI

client = OpenAI(base_url=f"{os.environ['WARMPATH_URL']}/v1", api_key=os.environ["WARMPATH_KEY"])
response = client.responses.create(model=os.environ["WARMPATH_MODEL"], input="Say hello")
print(response.output_text)
