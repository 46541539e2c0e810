"""The real `runpod` package as a client. Prints one JSON line for each step; the caller compares."""

import json
import os
import sys

import runpod

runpod.api_key = os.environ["COMPAT_KEY"]
endpoint = runpod.Endpoint(sys.argv[1])


def tell(step, **seen):
    print(json.dumps({"step": step, **seen}), flush=True)


job = endpoint.run({"input": {"kind": "echo", "a": 1}})
tell("run", output=job.output(timeout=30), status=job.status())

tell("run_sync", output=endpoint.run_sync({"input": {"kind": "echo", "a": 2}}, timeout=30))

job = endpoint.run({"input": {"kind": "stream", "count": 5}})
tell("stream", pieces=list(job.stream()), status=job.status())

job = endpoint.run({"input": {"kind": "fail"}})
job.output(timeout=30)
tell("fail", status=job.status())

job = endpoint.run({"input": {"kind": "progress"}})
tell("progress", output=job.output(timeout=30), status=job.status())

job = endpoint.run({"input": {"kind": "diverged"}})
tell("diverged", output=job.output(timeout=30), status=job.status())

job = endpoint.run({"input": {"kind": "sleep", "seconds": 60}})
# A stop that comes before the worker's loop has begun the job is dropped by the package: wait for the first piece.
next(job.stream())
job.cancel()
tell("cancel", status=job.status())
# The package's list of final states lacks CANCELLED: the stream must end all the same.
list(job.stream())

# The worker was told to stop, so it is free long before its minute is over.
job = endpoint.run({"input": {"kind": "echo", "a": 3}})
tell("after cancel", output=job.output(timeout=30))

health = endpoint.health()
tell("health", jobs=sorted(health["jobs"]), workers=sorted(health["workers"]))
tell("purge", **endpoint.purge_queue())

try:
    runpod.api_key = "wrong"
    runpod.Endpoint(sys.argv[1]).health()
    tell("wrong key", raised=None)
except RuntimeError as error:
    tell("wrong key", raised=type(error).__name__)
