/**
 * What is tried of each client, and how it is judged: by what the client returned or raised, and by what the engines, the
 * router and the door in front of it saw of it. A client's own word that all is well is not enough.
 */
import { createHash } from "node:crypto";
import { CITY } from "../test/support/chat-engine.ts";
import type { Passed } from "./door.ts";
import type { FeatureId } from "./feature-list.ts";
import type { Lab } from "./lab.ts";

/** What a client's program says of one order. */
export type Answer = {
  readonly text?: string;
  readonly texts?: readonly string[];
  readonly pieces?: readonly string[];
  readonly value?: unknown;
  readonly raised?: { readonly type: string; readonly message: string; readonly status: number | null } | null;
};

export type Order = {
  /** A function of the drivers. */
  readonly feature: "ask" | "stream" | "tools" | "structured" | "vision" | "abort" | "many";
  readonly model: string;
  readonly text: string;
  readonly picture?: string;
  readonly count?: number;
};

export type Asked = { readonly lab: Lab; order(order: Order): Promise<Answer> };

/** Null: as it should be. Else what was not. */
type Judgement = string | null;

const HELLO = "Good morning, ü 🎈.";
const SEEN = "Seen: cold in Oslo; cold in Bergen.";
const AT_ONCE = 50;
const REFUSAL = "temperature must be at most 2";
/** Node's timers and the door's clock may differ by one tick. */
const TICK_MS = 2;
/** An image of one pixel, with bytes behind its end so that it is no short one. */
const PICTURE = Buffer.concat([
  Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  ),
  Buffer.from(Array.from({ length: 60_000 }, (_, at) => (at * 31) % 251)),
]);

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 300) ?? "nothing";
const same = (seen: unknown, due: unknown): Judgement =>
  JSON.stringify(seen) === JSON.stringify(due) ? null : `${shown(seen)} instead of ${shown(due)}`;

/** By the text, or by the error that came in its place. */
const sameText = ({ text, raised }: Answer, due: string): Judgement =>
  !raised ? same(text?.trim(), due) : `raised ${shown(raised)}`;

async function noLeaseLeft({ fleet }: Lab): Promise<Judgement> {
  const seen = fleet.until(fleet.liveLeases, (leases) => leases === 0);
  return seen.then(
    () => null,
    () => "a lease is left",
  );
}

export const JUDGES: Readonly<Record<Exclude<FeatureId, "example">, (asked: Asked) => Promise<Judgement>>> = {
  plain: async ({ order }) => sameText(await order({ feature: "ask", model: "scripted", text: "Say hello" }), HELLO),

  async stream({ order }) {
    const { pieces = [], raised } = await order({ feature: "stream", model: "scripted", text: "Say hello" });
    if (raised) return `raised ${shown(raised)}`;
    return same(pieces.join("").trim(), HELLO) ?? (pieces.length > 1 ? null : "all of it came as one piece");
  },

  async tools({ order }) {
    const answer = await order({ feature: "tools", model: "scripted", text: "How is the weather" });
    // Some clients give what the model said before its calls as well.
    return answer.text?.trim().endsWith(SEEN) === true ? null : sameText(answer, SEEN);
  },

  async structured({ order }) {
    const { value, raised } = await order({ feature: "structured", model: "scripted", text: "Tell me of a city" });
    return !raised ? same(value, JSON.parse(CITY)) : `raised ${shown(raised)}`;
  },

  async vision({ order }) {
    const picture = `data:image/png;base64,${PICTURE.toString("base64")}`;
    const hash = createHash("sha256").update(PICTURE).digest("hex").slice(0, 12);
    const answer = await order({ feature: "vision", model: "scripted", text: "What is in the picture", picture });
    return sameText(answer, `I see image/png ${hash}.`);
  },

  async abort({ lab, order }) {
    const before = lab.scripted.gaveUp();
    const { pieces = [], raised } = await order({ feature: "abort", model: "scripted", text: "Please drip" });
    if (pieces.length < 2) return `only ${pieces.length} pieces came, raised ${shown(raised)}`;
    const left = lab.fleet.until(
      async () => lab.scripted.gaveUp(),
      (gaveUp) => gaveUp > before,
    );
    return left.then(
      () => noLeaseLeft(lab),
      () => "the engine writes on",
    );
  },

  async cut({ order }) {
    for (const way of ["error", "close", "break"]) {
      const { pieces = [], raised } = await order({ feature: "stream", model: "scripted", text: `Please ${way}` });
      if (!raised) return `taken for whole after ${shown(pieces.join(""))} (${way})`;
      // A client may ask anew from the beginning; none may invent an end.
      if (pieces.join("").includes("🎈")) return `more came than was sent (${way})`;
    }
    return null;
  },

  async refused({ lab, order }) {
    const from = lab.door.passed.length;
    const { raised } = await order({ feature: "ask", model: "scripted", text: "Please refuse" });
    if (!raised) return "nothing was raised";
    if (!raised.message.includes(REFUSAL)) return `raised without the reason: ${shown(raised)}`;
    return askedTimes(inferenceFrom(lab, from), 1);
  },

  async busy({ lab, order }) {
    await narrowServes(lab);
    lab.narrow.setFault({ kind: "status", status: 429, retryAfter: 1, times: 1 });
    const from = lab.door.passed.length;
    const { text, raised } = await order({ feature: "ask", model: "narrow", text: "hello" });
    lab.narrow.setFault({ kind: "none" });
    const passed = inferenceFrom(lab, from);
    if (passed[0]?.statusCode !== 429) return `the first answer was ${passed[0]?.statusCode}`;
    for (const [at, { statusCode, headers, answeredAtMs }] of passed.entries()) {
      const waitMs = Number(headers["retry-after-ms"]);
      const next = passed[at + 1];
      if (statusCode !== 429 || next === undefined) continue;
      const waitedMs = next.askedAtMs - answeredAtMs;
      if (!(waitedMs + TICK_MS >= waitMs)) return `asked again after ${Math.round(waitedMs)} ms, was told ${waitMs}`;
    }
    return !raised && (text ?? "") !== "" ? null : `asked ${passed.length} times, raised ${shown(raised)}`;
  },

  async retries({ lab, order }) {
    await narrowServes(lab);
    lab.narrow.setFault({ kind: "status", status: 500, times: 1 });
    const from = lab.door.passed.length;
    const { text, raised } = await order({ feature: "ask", model: "narrow", text: "hello" });
    lab.narrow.setFault({ kind: "none" });
    const statuses = inferenceFrom(lab, from).map(({ statusCode }) => statusCode);
    if (raised || (text ?? "") === "") return `after ${shown(statuses)} raised ${shown(raised)}`;
    return same(statuses, [502, 200]);
  },

  async many({ lab, order }) {
    const requests = () => [...lab.fleet.simulators.values()].reduce((sum, { stats }) => sum + stats.requests, 0);
    const before = requests();
    const { texts = [], raised } = await order({ feature: "many", model: "main", text: "hello", count: AT_ONCE });
    if (raised) return `raised ${shown(raised)}`;
    if (texts.length !== AT_ONCE || texts.includes("")) return `only ${texts.filter(Boolean).length} answers`;
    if (requests() - before !== AT_ONCE) return `the engines saw ${requests() - before} requests`;
    return noLeaseLeft(lab);
  },
};

/** Requests for work, without those that only look at a job. */
const inferenceFrom = ({ door }: Lab, from: number): readonly Passed[] =>
  door.passed.slice(from).filter(({ method }) => method === "POST");

/** Whoever was tried before may have left it within its back-off; and it has one slot that must be free. */
async function narrowServes({ fleet }: Lab): Promise<void> {
  const body = JSON.stringify({ model: "narrow", max_tokens: 1, messages: [{ role: "user", content: "hello" }] });
  const headers = { "content-type": "application/json" };
  await fleet.until(
    async () => (await fleet.call("/v1/chat/completions", { method: "POST", headers, body })).status,
    (status) => status === 200,
    NARROW_MS_MAX,
  );
  await fleet.until(
    async () =>
      (await fleet.shards()).flatMap(({ status }) => status?.endpoints ?? []).find(({ id }) => id === "narrow"),
    (narrow) => narrow?.inFlight === 0 && narrow.capacity > 0,
    NARROW_MS_MAX,
  );
}

const NARROW_MS_MAX = 60_000;

const askedTimes = (passed: readonly Passed[], due: number): Judgement =>
  passed.length === due ? null : `asked ${passed.length} times`;
