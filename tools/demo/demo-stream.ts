/**
 * The part of the guardrails' act that reads an answer while it is streamed: what the model said, and what of it came.
 *
 * What arrived is counted in the raw bytes, whatever field they stand in, and in the text that the events make
 * together: every character of a secret that is in a run of RUN_CHARS or more of it. Shorter runs are in any
 * English text; that no single character came either follows from the text, which must be the markers and what
 * stands around them, exactly.
 */
import { createSseDecoder, push } from "../../src/lib/sse.ts";
import { openChat } from "./demo-client.ts";
import { LEAKY_POOL } from "./demo-fleet.ts";
import { check, NEW_YORK, type Stage } from "./demo-stage.ts";

/**
 * "mple" of the address is also in "chat.completion.chunk"; no run of five is in anything that the model says beside.
 */
const RUN_CHARS = 5;

/** What stands in place of a match. */
const MARKER = /\[REDACTED:[a-z_]+\]/g;

type Heard = { readonly raw: string; readonly text: string; readonly isDone: boolean; readonly cameEarly: boolean };

export async function showStream(stage: Stage): Promise<void> {
  const { pieces, around, secrets } = stage.fleet.leakyModel;
  stage.print.line("  an answer is streamed; | is where the endpoint's chunks were cut");
  const { raw, text, isDone, cameEarly } = await hear(stage);
  stage.print.line(`  endpoint sent      ${pieces.join("|")}`);
  stage.print.line(`  client saw         ${text}`);
  const rest = `${raw}\n${text}`.replaceAll(MARKER, "");
  const arrived = secrets.reduce((sum, secret) => sum + charsIn(secret, rest), 0);
  const all = secrets.reduce((sum, { length }) => sum + length, 0);
  const isIntact = JSON.stringify(text.split(MARKER)) === JSON.stringify(around);
  check(
    stage,
    arrived === 0 && isIntact,
    `a stream is redacted on its way: ${arrived} of the ${all} characters of ${secrets.length} secrets arrived`,
  );
  check(
    stage,
    isIntact && isDone && cameEarly,
    `the text around them is ${isIntact && isDone ? "intact" : "not intact"}, and its first words came ${cameEarly ? "before" : "after"} the last were said`,
  );
}

async function hear({ fleet: { client, leakyModel } }: Stage): Promise<Heard> {
  const body = { stream: true, messages: [{ role: "user", content: "Whose account is it?" }] };
  const response = await openChat(client, LEAKY_POOL, NEW_YORK.place, body);
  const decoder = createSseDecoder();
  const utf8 = new TextDecoder();
  let raw = "";
  let text = "";
  let isDone = false;
  let cameEarly = false;
  for await (const bytes of response.body ?? []) {
    const piece = utf8.decode(bytes, { stream: true });
    raw += piece;
    const events = push(decoder, piece);
    if (!events.ok) break;
    for (const { data } of events.value) {
      if (data === "[DONE]") isDone = true;
      else text += contentOf(data);
    }
    // The model does not say the rest before it is told.
    if (text !== "" && !cameEarly) {
      cameEarly = true;
      leakyModel.goOn();
    }
  }
  return { raw, text, isDone, cameEarly };
}

function contentOf(data: string): string {
  const { choices = [] } = JSON.parse(data) as { choices?: { delta?: { content?: string } }[] };
  return choices.map(({ delta }) => delta?.content ?? "").join("");
}

/** Characters of the secret that stand in the text, in runs of RUN_CHARS or more. */
function charsIn(secret: string, text: string): number {
  const found = new Set<number>();
  for (let start = 0; start + RUN_CHARS <= secret.length; start++) {
    if (!text.includes(secret.slice(start, start + RUN_CHARS))) continue;
    for (let at = start; at < start + RUN_CHARS; at++) found.add(at);
  }
  return found.size;
}
