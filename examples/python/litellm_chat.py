# pip install litellm
import os

# Its list of prices is looked up in the package, not fetched.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm  # noqa: E402

stream = litellm.completion(
    model=f"openai/{os.environ['WARMPATH_MODEL']}",
    api_base=f"{os.environ['WARMPATH_URL']}/v1",
    api_key=os.environ["WARMPATH_KEY"],
    messages=[{"role": "user", "content": "Say hello"}],
    # Not `num_retries`, which repeats what is final and waits for nothing.
    max_retries=2,
    stream=True,
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
