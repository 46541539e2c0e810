/**
 * One stream for the client, of as many endpoints as it takes: what `core/continuation.ts` decides is done here.
 *
 * Model. It stands where the relay stands (`relay.ts`), before the rails and whatever tells the stream in another protocol: they
 * see one stream. Each endpoint's part is an attempt of its own, under a lease of its own, settled at its own end; one that broke
 * off counts as cut, as ever. The request counts as one, until the last has ended. At each joint there is a comment, which
 * clients' packages skip.
 * Loaded with the first stream of a pool with `onCut: "continue"`.
 */
import type { JsonObject } from "../lib/json-object.ts";
import { createSseSplitter, restOf, splitEvents } from "../lib/sse.ts";
import type { SseSplitter } from "../lib/sse.ts";
import type { AttemptOutcome } from "../routing/core/shard-messages.ts";
import type { BegunAnswer } from "./begun-answer.ts";
import { lastWords } from "./broken-stream.ts";
import { afterCut, createJoint, goOn, passPart } from "./core/continuation.ts";
import type { Joint } from "./core/continuation.ts";
import type { EndState } from "./core/stream-end.ts";
import { isCut } from "./draining.ts";
import { noteEnded } from "./trail.ts";
import type { Trail } from "./trail.ts";

export type ContinuePlan = {
  readonly protocol: Joint["protocol"];
  /** As it was sent. */
  readonly body: JsonObject;
  readonly trail: Trail;
  readonly spawn: (work: Promise<unknown>) => void;
  /** Sends the request for the rest to another endpoint than these. Null: nobody goes on with it. */
  readonly again: (joint: Joint, tokens: number, cut: readonly string[]) => Promise<BegunAnswer | null>;
};

/** Written in place. */
type Course = {
  readonly plan: ContinuePlan;
  readonly joint: Joint;
  answer: BegunAnswer;
  isStopped: boolean;
  bytes: number;
};

type Writer = WritableStreamDefaultWriter<Uint8Array>;

/** The same answer, whose stream is gone on with elsewhere when it breaks off. */
export function continued(begun: BegunAnswer, plan: ContinuePlan): BegunAnswer {
  const { body } = begun;
  if (body.kind !== "stream") return begun;
  const course: Course = { plan, joint: createJoint(plan.protocol), answer: begun, isStopped: false, bytes: 0 };
  return {
    ...begun,
    body: {
      ...body,
      pipe(opening) {
        const { readable, writable } = new IdentityTransformStream();
        plan.trail.open += 1;
        plan.spawn(run(course, writable, opening ?? null));
        const stop = (): void => void (course.isStopped = true);
        return { readable, stop };
      },
    },
  };
}

async function run(course: Course, writable: WritableStream<Uint8Array>, opening: Uint8Array | null): Promise<void> {
  const { trail } = course.plan;
  const first = trail.answeredBy;
  const writer = writable.getWriter();
  try {
    if (opening !== null) await writer.write(opening);
    const ending = await throughAll(course, writer);
    if (ending !== "") await writer.write(new TextEncoder().encode(ending));
    await writer.close();
  } catch {
    // Nobody takes the bytes: the client has left, and that is what ended the stream.
  }
  const { continued: times, usage } = course.joint;
  if (first !== null && times > 0) trail.joined = { first, continued: times, usage, bytesOut: course.bytes };
  noteEnded(trail);
}

/** One endpoint after the other; resolves with what is written last. */
async function throughAll(course: Course, writer: Writer): Promise<string> {
  const { plan, joint } = course;
  const cut: string[] = [];
  for (;;) {
    const outcome = await through(course, writer);
    if (outcome === "cancelled" && !isOverTime(course)) return "";
    if (outcome === "served") return joint.isDone ? "" : DONE;
    const next = afterCut(joint, plan.body);
    if (next.kind === "finish") return next.events;
    if (outcome !== "cut" || next.kind === "fail" || isCut()) return wordsOf(course);
    cut.push(course.answer.endpoint.config.id);
    const words = wordsOf(course);
    const answer = await plan.again(joint, next.tokens, cut);
    if (answer === null) return words;
    course.answer = answer;
    goOn(joint, next.tokens);
    await writer.write(new TextEncoder().encode(`: continued at ${answer.endpoint.config.id}\n\n`));
  }
}

const DONE = "data: [DONE]\n\n";

/** The endpoint's own error goes before ours. */
function wordsOf({ joint, plan: { trail } }: Course): string {
  if (joint.error !== null) return joint.error + DONE;
  const reason = isCut() ? "shutting_down" : trail.answeredBy?.timedOut === true ? "upstream_timeout" : "upstream_cut";
  return new TextDecoder().decode(lastWords(reason));
}

const isOverTime = ({ plan: { trail }, isStopped }: Course): boolean =>
  !isStopped && (isCut() || trail.answeredBy?.timedOut === true);

async function through(course: Course, writer: Writer): Promise<AttemptOutcome> {
  const { body } = course.answer;
  if (body.kind !== "stream") return "cut";
  const splitter = createSseSplitter();
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const take = async (piece: Uint8Array): Promise<EndState | "gone"> => {
    if (course.isStopped) return "gone";
    course.bytes += piece.byteLength;
    const out = passed(course.joint, splitter, decoder.decode(piece, { stream: true }));
    try {
      if (out !== "") await writer.write(new TextEncoder().encode(out));
    } catch {
      return "gone";
    }
    return stateOf(course.joint);
  };
  return body.follow(take, () => course.joint.isDone || (course.joint.hasFinished && course.joint.error === null));
}

/** An event that is too long to be held passes as it comes, and nobody can go on with what it belongs to. */
function passed(joint: Joint, splitter: SseSplitter, text: string): string {
  if (splitter.hasOverflowed) return text;
  const held = restOf(splitter);
  const split = splitEvents(splitter, text);
  if (split.ok) return split.value.map((part) => passPart(joint, part)).join("");
  joint.stopper ??= "length";
  const whole = split.error.events.join("");
  return split.error.events.map((part) => passPart(joint, part)).join("") + (held + text).slice(whole.length);
}

function stateOf({ isDone, error, hasFinished }: Joint): EndState {
  if (isDone) return "done";
  return error === null ? (hasFinished ? "finished" : "open") : "failed";
}
