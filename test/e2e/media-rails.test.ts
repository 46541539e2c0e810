/** What output rails see of transcripts, in every form in which they come. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { formOf, sound } from "../support/form-fleet.ts";

/** A simulated transcript ends with its prompt, a word an event. */
const SAID = "the order is ORD 1234 and no other";
const RULE = { use: "regex", options: { patterns: [{ name: "order", pattern: "ORD [0-9]{4}" }] } };

let fleet: Fleet;
beforeAll(async () => {
  const pool = (rails: object, at: string): object => ({ models: [at], rails, endpoints: [endpoint(at)] });
  const endpoint = (at: string): object => ({
    id: `at-${at}`,
    region: "us-east",
    backend: "openai",
    url: first.simulator("us-a").url,
    model: "test-model",
    concurrencyPerWorker: 8,
  });
  const first = await startFleet({ endpoints: [{ id: "us-a", region: "us-east" }] });
  fleet = await startFleet({
    endpoints: [{ id: "us-b", region: "us-east" }],
    morePools: {
      redact: pool({ input: [], output: [{ ...RULE, action: "redact" }] }, "redact"),
      block: pool({ input: [], output: [{ ...RULE, action: "block" }] }, "block"),
    },
  });
  const close = fleet.close;
  fleet.close = async () => {
    await close();
    await first.close();
  };
});
afterAll(async () => fleet.close());

const transcribe = async (model: string, more: Readonly<Record<string, string>> = {}): Promise<Response> => {
  const fields = Object.entries({ model, prompt: SAID, ...more });
  return fleet.call("/v1/audio/transcriptions", { method: "POST", body: formOf([["file", sound()], ...fields]) });
};

describe("output rails read a transcript", () => {
  test.each([["json"], ["text"], ["srt"], ["vtt"], ["verbose_json"]])("as %s", async (response_format) => {
    const redacted = await transcribe("redact", { response_format });
    const text = await redacted.text();
    expect(redacted.status).toBe(200);
    expect(text).toMatch(/the order is \[.*order.*\] and no other/i);
    expect(text).not.toContain("1234");
    const blocked = await transcribe("block", { response_format });
    expect([blocked.status, await blocked.text()]).toEqual([400, expect.stringContaining("blocked_by_guardrail")]);
  });

  test("as events, also where a match spans several of them", async () => {
    const text = await (await transcribe("redact", { stream: "true" })).text();
    const events = [...text.matchAll(/^data: (\{.*)$/gm)].map(
      ([, data = ""]) => JSON.parse(data) as { readonly type: string; readonly delta?: string; readonly text?: string },
    );
    const deltas = events.map(({ delta = "" }) => delta).join("");
    expect(deltas).toMatch(/the order is \[.*order.*\] and no other$/i);
    expect(events.at(-1)).toMatchObject({ type: "transcript.text.done", text: deltas });
    expect(text).not.toContain("1234");
    expect(await (await transcribe("block", { stream: "true" })).text()).toContain("blocked_by_guardrail");
  });
});
