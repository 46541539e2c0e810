/**
 * Streams of chat completions and of completions: chunks with choices, ended by `data: [DONE]`.
 *
 * Model. Each choice has a channel for each kind of text, and one for the arguments of each tool call. A blocked stream
 * ends with a chunk and `[DONE]`. The chunk gives each choice that had not finished the reason "content_filter", as
 * OpenAI's own filter does.
 * Source: docs/reference/sources.md, What SDKs do with a stream: some take one without a finish reason for a success, others for
 * a broken one.
 */
import { CHAT_TEXTS } from "./answer-sites.ts";
import { isPieceName } from "./answer-words.ts";
import { asRecord, recordsIn } from "./stream-events.ts";
import type { Json, OutEvent } from "./stream-events.ts";
import { NOTHING_READ } from "./stream-format.ts";
import type { StreamFormat, TextSite } from "./stream-format.ts";
import { pieceSites } from "./stream-pieces.ts";

export function chatFormat(): StreamFormat {
  return openaiFormat(chatSites, (index) => ({ index, delta: {}, logprobs: null, finish_reason: "content_filter" }));
}

export function completionsFormat(): StreamFormat {
  return openaiFormat(completionSites, (index) => ({
    index,
    text: "",
    logprobs: null,
    finish_reason: "content_filter",
  }));
}

function openaiFormat(
  sitesOf: (event: Json, choice: Json) => TextSite[],
  closed: (index: number) => Json,
): StreamFormat {
  const open = new Set<number>([0]);
  let envelope: Json = {};
  return {
    read: (event) => {
      if (event["error"] !== undefined) return { ...NOTHING_READ, ends: "all" };
      const choices = recordsIn(event["choices"]);
      const ends = choices.filter(isFinished).map((choice) => String(indexOf(choice)));
      const sites = choices.flatMap((choice, place) => {
        const known = sitesOf(event, choice);
        return [...known, ...otherSites(event, choice, place, known)];
      });
      return { sites, ends, copies: [] };
    },
    note: (event, isShown) => {
      if (event["choices"] !== undefined) envelope = envelopeOf(event);
      for (const choice of recordsIn(event["choices"])) {
        if (isFinished(choice) && isShown) open.delete(indexOf(choice));
        else open.add(indexOf(choice));
      }
    },
    closing: () => {
      const choices = [...open].sort((one, other) => one - other).map(closed);
      return [{ event: null, data: { ...envelope, choices } }];
    },
    hasDoneMarker: true,
  };
}

/** Pieces in members that the protocol does not have, such as those of a reasoning in another form. */
function otherSites(event: Json, choice: Json, place: number, known: readonly TextSite[]): TextSite[] {
  const group = String(indexOf(choice));
  const of = (root: unknown, path: readonly (string | number)[], isDelta: boolean): TextSite[] =>
    pieceSites({ event, name: null, root, path, group, isDelta, known }).map((site) => ({
      ...site,
      carry: (text) => alone(site.carry(text), place),
    }));
  const inDelta = ["delta", "message"].flatMap((name) => of(choice[name], ["choices", place, name], true));
  const { delta: _delta, message: _message, ...beside } = choice;
  const besides = Object.keys(beside).some((name) => isPieceName(name)) ? of(choice, ["choices", place], false) : [];
  return [...inDelta, ...besides.filter(({ holder, member }) => holder === choice && !has(known, choice, member))];
}

const has = (sites: readonly TextSite[], holder: Json, member: string): boolean =>
  sites.some((site) => site.holder === holder && site.member === member);

/** An event with this choice only, which goes on. */
function alone({ event, data }: OutEvent, place: number): OutEvent {
  const choice = asRecord((data["choices"] as readonly unknown[] | undefined)?.[place]);
  const choices = choice === null ? [] : [{ ...choice, logprobs: null, finish_reason: null }];
  return { event, data: { ...data, choices } };
}

/** What is the same in all chunks of a stream. */
function envelopeOf(event: Json): Json {
  return Object.fromEntries(
    Object.entries(event).filter(([name]) => name !== "choices" && name !== "usage" && name !== "obfuscation"),
  );
}

function isFinished(choice: Json): boolean {
  // Some servers send "" until the end.
  return typeof choice["finish_reason"] === "string" && choice["finish_reason"] !== "";
}

function indexOf(choice: Json): number {
  return typeof choice["index"] === "number" ? choice["index"] : 0;
}

function chatSites(event: Json, choice: Json): TextSite[] {
  const index = indexOf(choice);
  // Some servers send the last chunk with a whole message.
  const delta = asRecord(choice["delta"]) ?? asRecord(choice["message"]);
  if (delta === null) return [];
  const carryDelta = (changed: Json): OutEvent => {
    return {
      event: null,
      data: { ...envelopeOf(event), choices: [{ index, delta: changed, logprobs: null, finish_reason: null }] },
    };
  };
  const site = (holder: Json | null, member: string, key: string, wrap: (text: string) => Json): TextSite[] => {
    if (holder === null || typeof holder[member] !== "string") return [];
    const kind = key.startsWith("tool") ? "tool" : key.startsWith("reasoning") ? "reasoning" : "content";
    const isArguments = member === "arguments";
    const group = String(index);
    return [
      {
        channel: `${group}.${key}`,
        group,
        kind,
        isArguments,
        holder,
        member,
        repeats: [choice],
        carry: (text) => carryDelta(wrap(text)),
      },
    ];
  };
  return [
    ...CHAT_TEXTS.flatMap((member) => site(delta, member, member, (text) => ({ [member]: text }))),
    ...site(asRecord(delta["function_call"]), "arguments", "tool", (text) => ({ function_call: { arguments: text } })),
    ...recordsIn(delta["tool_calls"]).flatMap((call, place) => {
      const tool = typeof call["index"] === "number" ? call["index"] : place;
      const wrap = (member: string, inner: string) => (text: string) => ({
        tool_calls: [{ index: tool, [member]: { [inner]: text } }],
      });
      return [
        ...site(asRecord(call["function"]), "arguments", `tool${tool}`, wrap("function", "arguments")),
        ...site(asRecord(call["custom"]), "input", `tool${tool}.input`, wrap("custom", "input")),
      ];
    }),
  ];
}

function completionSites(event: Json, choice: Json): TextSite[] {
  if (typeof choice["text"] !== "string") return [];
  const index = indexOf(choice);
  const group = String(index);
  const carry = (text: string): OutEvent => {
    return {
      event: null,
      data: { ...envelopeOf(event), choices: [{ index, text, logprobs: null, finish_reason: null }] },
    };
  };
  return [
    {
      channel: group,
      group,
      kind: "content",
      isArguments: false,
      holder: choice,
      member: "text",
      repeats: [choice],
      carry,
    },
  ];
}
