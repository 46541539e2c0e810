/** Streams that are cut, left, read slowly, or full of what looks like another event. */
import { ENGINE_PRESETS } from "../../../backends/gpu-engine/engine-presets.ts";
import { seededRng } from "../../../src/lib/rng.ts";
import { startFleet } from "../../support/fleet.ts";
import { eventData, rawCall } from "../../support/raw-client.ts";
import { startSpeaker } from "../../support/speaker.ts";
import { ask, dispatchedTwice, leasesGone, violationsOf } from "../client.ts";
import type { Answered } from "../client.ts";
import { inParallel, judge, quantile, tally } from "../experiment.ts";
import type { Experiment } from "../experiment.ts";

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 2 };
const AT_ONCE = 20;
/** Of a stream of 40 tokens. */
const STREAM_BYTES = 8_000;

const twoEndpoints = () =>
  startFleet({
    endpoints: [
      { id: "us-a", region: "us-east", simulator: { engine } },
      { id: "us-b", region: "us-east", simulator: { engine } },
    ],
    // None is gone by its expiry: who forgets to settle one is found.
    pool: { leaseTtlMs: 600_000 },
  });

/** R1: all that run when the backend dies are cut at the same byte; the byte is another one each time. */
export const cutStreams: Experiment = {
  id: "R1",
  what: "the backend dies in mid-stream, at a random byte",
  threshold: "one terminal event each, nothing sent again after its first byte, in-flight 0 within 2 s",
  async run({ short, seed }) {
    const waves = short ? 3 : 15;
    const rng = seededRng(seed);
    const fleet = await twoEndpoints();
    const { must, within, finding } = judge();
    try {
      const answers: Answered[] = [];
      let idleMs = 0;
      for (let wave = 0; wave < waves; wave++) {
        const bytes = Math.floor(rng() * STREAM_BYTES);
        for (const simulator of fleet.simulators.values())
          simulator.setFault({ kind: "die_after_bytes", bytes, times: AT_ONCE });
        answers.push(...(await inParallel(AT_ONCE, AT_ONCE, () => ask(fleet, { maxTokens: 40 }))));
        for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "none" });
        idleMs = Math.max(idleMs, await leasesGone(fleet));
      }
      const violations = violationsOf(answers);
      must(violations.length === 0, violations.slice(0, 3).join("; "));
      const twice = dispatchedTwice(fleet, answers);
      must(twice.length === 0, `${twice.length} requests were sent more often than was told`);
      must(
        answers.some(({ name }) => name.startsWith("stream_error")),
        "no stream was cut: nothing was tried",
      );
      within(idleMs, 2_000, "in-flight back to 0");
      return finding(`${tally(answers.map(({ name }) => name))}; in-flight 0 after ${Math.round(idleMs)} ms`);
    } finally {
      await fleet.close();
    }
  },
};

/** R3 */
export const leavingClients: Experiment = {
  id: "R3",
  what: "the client leaves at a random byte",
  threshold: "the endpoint hears of it within 1 s (p99), 0 leases left",
  async run({ short, seed }) {
    const count = short ? 40 : 500;
    const rng = seededRng(seed);
    const fleet = await twoEndpoints();
    const { must, within, finding } = judge();
    try {
      const working = (): number =>
        [...fleet.simulators.values()].reduce((sum, { stats }) => sum + stats.activeRequests, 0);
      const stopMs: number[] = [];
      let left = 0;
      for (let wave = 0; wave * AT_ONCE < count; wave++) {
        const answers = await inParallel(AT_ONCE, AT_ONCE, () => {
          const at = Math.floor(rng() * STREAM_BYTES);
          return ask(fleet, {
            maxTokens: 3_000,
            onProgress: (bytes, exchange) => {
              if (bytes >= at) exchange.leave("reset");
            },
          });
        });
        left += answers.filter(({ name }) => name === "client_left").length;
        const startedAt = performance.now();
        await fleet.until(
          async () => working(),
          (active) => active === 0,
          30_000,
        );
        stopMs.push(performance.now() - startedAt);
      }
      const idleMs = await leasesGone(fleet);
      must(left === Math.ceil(count / AT_ONCE) * AT_ONCE, `only ${left} clients left`);
      within(quantile(stopMs, 0.99), 1_000, "the endpoints stop working");
      return finding(
        `${left} left; endpoints idle ${Math.round(quantile(stopMs, 0.99))} ms after the last of a wave (p99), leases gone ${Math.round(idleMs)} ms after that`,
      );
    } finally {
      await fleet.close();
    }
  },
};

/** Every way in which a text can look like the framing around it; the first group is the format's own corners. */
const FRAMES: readonly string[] = [
  ": a comment\n",
  "event: other\ndata: {}\n\n",
  'id: 7\ndata: {"choices":[]}\n\n',
  "data:no space\n\n",
  "data\n\n",
  "data: a\ndata: b\n\n",
  "retry: 10\n\n",
  "unknown: x\n\n",
  "data: \u2028 \u2029 \u0000 end\n\n",
  "data: \ufeff\n\n",
  "data: carriage\rdata: return\r\r",
  "data: both\r\ndata: kinds\r\n\r\n",
];
const HOSTILE_TEXTS = [
  '\n\ndata: {"injected":true}\n\n',
  "\r\rdata: injected\r\r",
  "\u2028data: injected",
  "\u0000",
  "\ufeff",
  "event: error\n",
];

/** R17: what an endpoint sends reaches the client as the same events, whatever the pieces are. */
export const framedTexts: Experiment = {
  id: "R17",
  what: "event streams with every corner of the format, and model text that looks like events, a byte at a time",
  threshold: "the same events at any cut, with output rails and without; 0 injected frames",
  async run({ short }) {
    const speaker = await startSpeaker();
    const plain = { endpoints: [{ id: "plain", region: "us-east", backend: "openai", url: speaker.url }] };
    const fleet = await startFleet({
      endpoints: [],
      pool: {
        endpoints: [{ id: "speaker", region: "us-east", backend: "openai", url: speaker.url }],
        rails: { output: [{ use: "pii", action: "redact" }] },
      },
      morePools: { plain: { models: ["plain"], ...plain } },
    });
    const { must, finding } = judge();
    try {
      const token = (content: string): string =>
        `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
      const last = `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`;
      let cases = 0;
      for (const model of ["plain", fleet.model]) {
        // What rails cannot read as an answer they refuse or pass on as it is: the frames are tried where none reads.
        const bodies = model === "plain" ? FRAMES.map((frame) => token("a") + frame + last) : [];
        for (const body of [...bodies, ...HOSTILE_TEXTS.map((text) => token("a") + token(text) + last)]) {
          const bytes = Buffer.from(body);
          for (const size of short ? [7, bytes.length] : [1, 2, 7, bytes.length]) {
            const name = `case-${cases++}`;
            const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
              bytes.subarray(index * size, (index + 1) * size),
            );
            speaker.say(name, { contentType: "text/event-stream", pieces });
            const answer = await rawCall(`${fleet.router.url}/v1/chat/completions`, {
              method: "POST",
              headers: { authorization: `Bearer ${fleet.key}`, "content-type": "application/json", "x-speech": name },
              body: JSON.stringify({ model, stream: true, messages: [{ role: "user", content: "x" }] }),
            }).answer;
            const said = `${model}, pieces of ${size}: ${JSON.stringify(body.slice(0, 200))} became ${JSON.stringify(answer.body.toString().slice(0, 300))}`;
            const [sent, seen] = [eventData(bytes), eventData(answer.body)];
            // Output rails may hold text back and give it to a later event: then the text is the same, and the framing ours.
            if (model === "plain") must(JSON.stringify(sent) === JSON.stringify(seen), said);
            else must(textOf(sent) === textOf(seen) && seen.filter((data) => data === "[DONE]").length === 1, said);
          }
        }
      }
      return finding(`${cases} streams`);
    } finally {
      await fleet.close();
      await speaker.close();
    }
  },
};

/** What a model said in these events. */
const textOf = (events: readonly string[]): string =>
  events
    .filter((data) => data !== "[DONE]")
    .map((data) => (JSON.parse(data) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? "")
    .join("");
