"""Reads exports of spans, one JSON text a line, by the real protobuf classes: strictly, no unknown member may be in them.

Prints a line of JSON for each span as the classes have it. Ids are hex in OTLP's JSON, where proto3's own has base64.
"""

import base64
import json
import re
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def as_bytes(span, name, digits, may_be_absent=False):
    value = span.get(name)
    if value is None and may_be_absent:
        return
    if not re.fullmatch(r"[0-9a-f]{%d}" % digits, value or "") or set(value) == {"0"}:
        raise ValueError(f"{name} is {value!r}")
    span[name] = base64.b64encode(bytes.fromhex(value)).decode()


for line in sys.stdin:
    export = json.loads(line)
    for resource in export["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                as_bytes(span, "traceId", 32)
                as_bytes(span, "spanId", 16)
                as_bytes(span, "parentSpanId", 16, may_be_absent=True)
    request = json_format.ParseDict(export, ExportTraceServiceRequest(), ignore_unknown_fields=False)
    for resource in request.resource_spans:
        names = {one.key: one.value.string_value for one in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                keys = [one.key for one in span.attributes]
                print(
                    json.dumps(
                        {
                            "service": names.get("service.name"),
                            "traceId": span.trace_id.hex(),
                            "spanId": span.span_id.hex(),
                            "parentSpanId": span.parent_span_id.hex(),
                            "name": span.name,
                            "kind": Span.SpanKind.Name(span.kind),
                            "status": Status.StatusCode.Name(span.status.code),
                            "isInOrder": span.start_time_unix_nano <= span.end_time_unix_nano,
                            "hasDoubles": len(keys) != len(set(keys)),
                            "attributes": {
                                one.key: [one.value.WhichOneof("value"), getattr(one.value, one.value.WhichOneof("value"))]
                                for one in span.attributes
                            },
                        }
                    )
                )
