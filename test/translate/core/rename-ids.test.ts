import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renameStream, renameWhole } from "../../../src/translate/core/rename-ids.ts";

const rename = (id: string): string => `resp_home~${id}`;

const ids = fc.stringMatching(/^resp_[a-f0-9]{1,12}$/);

/** Holds what looks like ids, quoted as a model would write them. */
const texts = ids.chain((id) =>
  fc.array(fc.constantFrom(id, `"${id}"`, `"id":"${id}"`, "\n\n", "x", '"', "resp_")).map((words) => words.join(" ")),
);

const event = (type: string, more: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;

const streams = fc
  .record({ id: ids, previous: fc.option(ids, { nil: null }), text: texts })
  .map(({ id, previous, text }) => {
    const response = { id, object: "response", previous_response_id: previous };
    return {
      id,
      text,
      raw: [
        event("response.created", { response }),
        event("response.output_text.delta", { item_id: `msg_${id}`, delta: text }),
        event("response.completed", { response: { ...response, output: [{ id: `msg_${id}`, text }] } }),
      ].join(""),
    };
  });

describe("ids of responses", () => {
  test("are told under another name in every event, and nothing else changes, however the stream was cut", () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat(5_000), { maxLength: 10 }), ({ raw, id, text }, places) => {
        const at = [
          0,
          ...places.map((place) => place % (raw.length + 1)).toSorted((one, other) => one - other),
          raw.length,
        ];
        const run = renameStream(rename);
        const told =
          at
            .slice(1)
            .map((end, index) => run.push(raw.slice(at[index], end)))
            .join("") + run.end();
        const data = told
          .split("\n\n")
          .filter((part) => part !== "")
          .map(
            (part) =>
              JSON.parse(part.split("data: ")[1] ?? "") as {
                response?: { id: string; output?: unknown };
                delta?: string;
                item_id?: string;
              },
          );
        expect(data[0]?.response?.id).toBe(rename(id));
        expect(data[1]).toMatchObject({ item_id: `msg_${id}`, delta: text });
        expect(data[2]?.response).toMatchObject({ id: rename(id), output: [{ id: `msg_${id}`, text }] });
      }),
    );
  });

  test("of a whole answer are renamed, and its numbers keep their digits", () => {
    const text =
      '{"id":"resp_1","object":"response","previous_response_id":"resp_0","n":90071992547409931,"say":"\\"resp_1\\""}';
    expect(renameWhole(text, rename)).toBe(
      '{"id":"resp_home~resp_1","object":"response","previous_response_id":"resp_home~resp_0","n":90071992547409931,"say":"\\"resp_1\\""}',
    );
  });

  test("that are known from before are renamed where no event brings one", () => {
    const run = renameStream(rename, ["resp_9"]);
    const late = event("response.output_text.done", { response_id: "resp_9" });
    expect(run.push(late) + run.end()).toContain(rename("resp_9"));
  });
});
