import { expect, test } from "vitest";
import { z } from "zod";
import { alertBody } from "../../../src/sight/core/alert-form.ts";
import type { AlertEvent } from "../../../src/sight/core/alerts.ts";

const EVENT: AlertEvent = {
  id: "alert.no_endpoint.llama.1000.raised",
  phase: "raised",
  kind: "no_endpoint",
  subject: "llama",
  sinceMs: 1_000,
  atMs: 61_000,
  value: 0,
  limit: 1,
  text: "No endpoint of pool <llama> & co takes traffic.",
};

test("the standard form has what a program reads", () => {
  const body: unknown = JSON.parse(alertBody(EVENT, "standard", "2026-11-30T00:00:00.000Z"));
  expect(body).toEqual({
    type: "alert.raised",
    timestamp: "2026-11-30T00:00:00.000Z",
    data: { id: EVENT.id, kind: "no_endpoint", subject: "llama", sinceMs: 1_000, value: 0, limit: 1, text: EVENT.text },
  });
});

/** What Slack's reference says of a message: text up to 3,000 characters a block, 50 blocks. */
const mrkdwn = z.strictObject({ type: z.literal("mrkdwn"), text: z.string().min(1).max(3_000) });
const SlackMessage = z.strictObject({
  text: z.string().min(1).max(40_000),
  blocks: z
    .array(
      z.discriminatedUnion("type", [
        z.strictObject({ type: z.literal("section"), text: mrkdwn }),
        z.strictObject({ type: z.literal("context"), elements: z.array(mrkdwn).min(1).max(10) }),
      ]),
    )
    .min(1)
    .max(50),
});

test.each(["raised", "reminded", "resolved"] as const)("Slack's form of one that is %s is a message", (phase) => {
  const message = SlackMessage.parse(JSON.parse(alertBody({ ...EVENT, phase }, "slack", "")));
  expect(message.text).toContain("pool &lt;llama&gt; &amp; co");
  expect(JSON.stringify(message.blocks)).toContain("`no_endpoint` · `llama` · for 60 s");
});
