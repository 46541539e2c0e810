# pip install langchain-openai
import os

from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    model=os.environ["WARMPATH_MODEL"],
    api_key=os.environ["WARMPATH_KEY"],
    base_url=f"{os.environ['WARMPATH_URL']}/v1",
)
for chunk in model.stream("Say hello"):
    print(chunk.text, end="", flush=True)
print()
