# pip install llama-index-llms-openai-like
import os

from llama_index.llms.openai_like import OpenAILike

model = OpenAILike(
    model=os.environ["WARMPATH_MODEL"],
    api_key=os.environ["WARMPATH_KEY"],
    api_base=f"{os.environ['WARMPATH_URL']}/v1",
    is_chat_model=True,
    is_function_calling_model=True,
)
for chunk in model.stream_complete("Say hello"):
    print(chunk.delta, end="", flush=True)
print()
