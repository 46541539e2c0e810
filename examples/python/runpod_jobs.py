# pip install runpod
import os

# Before the import: the package reads it once.
os.environ["RUNPOD_ENDPOINT_BASE_URL"] = f"{os.environ['WARMPATH_URL']}/v2"
import runpod  # noqa: E402

runpod.api_key = os.environ["WARMPATH_KEY"]
# The endpoint's id is the id of a pool.
endpoint = runpod.Endpoint(os.environ["WARMPATH_MODEL"])
request = {"input": {"messages": [{"role": "user", "content": "Say hello"}], "max_tokens": 64}}
print(endpoint.run_sync(request, timeout=90)["choices"][0]["message"]["content"])
