/**
 * Server-sent events of one job: `status` when it changes, `output` for each chunk, `reset` where what was told is void
 * because another attempt begins anew, `end` with the job as it ended.
 *
 * The id of an `output` event is the chunk's number, so a reader that comes back with `Last-Event-ID` gets what it missed
 * and nothing twice. Between events a comment is sent now and then, since proxies cut what is silent. The queue holds each
 * read until there is something: nobody polls.
 */
import { writeEvent } from "../../lib/sse-write.ts";
import type { JobStatus, JobView } from "../../jobs/core/messages.ts";
import type { HeaderRecord } from "../../wire/headers.ts";
import { isEnded, nativeJob, valueOf } from "../../jobs/wire/jobs-view.ts";
import { dress } from "../../wire/replies.ts";
import type { Authenticated } from "../edge-request.ts";
import type { Answer } from "../../wire/refusal.ts";
import { refuseProblem, UNKNOWN_JOB } from "./answers.ts";
import type { JobCall } from "./job-call.ts";

/** Below the 30 s after which the most impatient proxies cut. */
const EVENTS_HOLD_MS = 15_000;

export async function events(call: JobCall): Promise<Answer> {
  const { edge, queue, jobId } = call;
  const fromSeq = resumeAt(edge);
  if (fromSeq === null) return refuseProblem({ param: "last-event-id", problem: "Last-Event-ID must be one of ours." });
  const view = await queue.view(edge.identity.tenant, jobId, 0);
  if (view === null) return UNKNOWN_JOB;
  const { readable, writable } = new IdentityTransformStream();
  edge.ctx.waitUntil(tell(call, view, fromSeq, writable.getWriter()));
  const headers: HeaderRecord = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  };
  dress(headers, edge.requestId, edge.runtime.config);
  return new Response(readable, { headers });
}

/** Null: not a number. */
function resumeAt({ request, query }: Authenticated): number | null {
  // Browsers cannot set the header on the first request.
  const last = request.headers.get("last-event-id") ?? new URLSearchParams(query).get("lastEventId");
  if (last === null || last === "") return 0;
  return /^\d{1,15}$/.test(last) ? Number(last) + 1 : null;
}

async function tell(
  { edge, queue, poolId, jobId }: JobCall,
  first: JobView,
  fromSeq: number,
  writer: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
  const { tenant } = edge.identity;
  const encoder = new TextEncoder();
  const write = async (text: string): Promise<void> => writer.write(encoder.encode(text));
  const { signal } = edge.request;
  let told: JobStatus | null = null;
  let seq = fromSeq;
  /** Output that another attempt would make void. */
  let hasTold = fromSeq > 0;
  const tellStatus = async (status: JobStatus): Promise<void> => {
    if (status === told) return;
    told = status;
    await write(event("status", { status }));
  };
  try {
    await tellStatus(first.status);
    while (!signal.aborted) {
      const page = await queue.stream(tenant, jobId, seq, EVENTS_HOLD_MS);
      if (page === null) break;
      if (!isEnded(page.status)) await tellStatus(page.status);
      if (page.reset !== undefined && hasTold) {
        const { attempt, firstSeq } = page.reset;
        await write(event("reset", { attempt }, firstSeq - 1));
        hasTold = false;
      }
      hasTold ||= page.chunks.length > 0;
      for (const chunk of page.chunks) await write(event("output", valueOf(chunk.data), chunk.seq));
      seq = Math.max(seq, page.nextSeq);
      if (page.isEnd) {
        const ended = await queue.view(tenant, jobId, 0);
        if (ended !== null) await tellStatus(ended.status);
        if (ended !== null) await write(event("end", nativeJob(ended, poolId)));
        break;
      }
      if (page.chunks.length === 0 && page.reset === undefined) await write(": waiting\n\n");
    }
    await writer.close();
  } catch {
    // The reader has left, or the queue cannot be reached: it comes back with what it saw last.
    await writer.abort().catch(() => undefined);
  }
}

const event = (name: string, data: unknown, id?: number): string => writeEvent({ event: name, data, id });
