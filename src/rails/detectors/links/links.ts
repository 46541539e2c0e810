/**
 * Decides which links of a text could carry data out, or run something.
 *
 * Model. What a renderer loads by itself (an image, a frame, a style) leaks the moment it is shown, so it must
 * be on the list of hosts. A link must be clicked, so by default it is a finding only if its address carries
 * data: a long query, or a piece that looks encoded. Addresses that run something are findings everywhere. A
 * span covers the address alone.
 * Source: docs/reference/sources.md, Detectors (OWASP LLM01 and LLM10:2026). Rejected: a list of bad hosts, which is never
 * complete; and looking at images only, because `![` is one of a dozen ways to have an address loaded.
 */
import { barePlaces, htmlPlaces, markdownPlaces } from "./link-places.ts";
import type { LinkPlace } from "./link-places.ts";
import { carriesData, hostListOf, isListed, readingsOf, targetOf, withoutEntities } from "./link-target.ts";
import type { HostList } from "./link-target.ts";
import type { FoundSpan, RailFindings, RailInput } from "../../core/rail.ts";

export type LinkOptions = {
  /** Host names, or `*.example.com` for every host below a domain. Nothing that leads there is a finding. */
  readonly allow: readonly string[];
  /**
   * What loads by itself and is not on the list: all of it ("unlisted"), or only what carries data. Default "unlisted".
   */
  readonly images?: LinkRule;
  /** The same for what must be clicked. Default "carrying". */
  readonly links?: LinkRule;
};

type LinkRule = "unlisted" | "carrying";

type Finding = "too_many_links" | "script_url" | "data_in_url" | "unlisted_image" | "unlisted_link";

/** The worse comes first. */
const BY_WEIGHT: readonly Exclude<Finding, "too_many_links">[] = [
  "script_url",
  "data_in_url",
  "unlisted_image",
  "unlisted_link",
];

/** By the options of a pool's rail, which live as long as its config. */
const hostLists = new WeakMap<LinkOptions, HostList>();

/** Finds links that could carry data out in every part. Reasons are "links:" and the type. */
export function linksRail(input: RailInput, options: LinkOptions): RailFindings {
  const found = input.parts.map(({ path, text }) => [path, findLinks(text, options)] as const);
  const spans = new Map(found.filter(([, list]) => list.length > 0));
  const types = [...spans.values()].flatMap((list) => list.map(({ type }) => `links:${type}`));
  return { spans, reasons: [...new Set(types)].sort() };
}

/**
 * Addresses in one text that break the rules, from left to right. Types are "script_url" (javascript:, data: and the
 * like), "data_in_url", "unlisted_image", "unlisted_link", and "too_many_links" for a rest that was not looked at.
 * Relative addresses are none.
 */
export function findLinks(text: string, options: LinkOptions): FoundSpan[] {
  if (!mayHoldLinks(text)) return [];
  const marked = [...markdownPlaces(text), ...htmlPlaces(text)].sort((one, other) => one.start - other.start);
  const places = [...marked, ...barePlaces(text, marked)].sort((one, other) => one.start - other.start);
  const found: FoundSpan[] = [];
  for (const place of places) {
    const type = findingAt(text, place, options);
    if (type !== null) found.push({ start: place.start, end: place.end, type });
  }
  return found;
}

/** What every construct needs: few texts have it, and a native search is faster than any pass of ours. */
function mayHoldLinks(text: string): boolean {
  return (
    text.includes("](") ||
    text.includes("]:") ||
    text.includes("<") ||
    text.includes("://") ||
    text.includes("www.") ||
    text.includes("WWW.") ||
    text.includes("Www.")
  );
}

function findingAt(text: string, place: LinkPlace, options: LinkOptions): Finding | null {
  if (place.form === "rest") return "too_many_links";
  const raw = text.slice(place.start, place.end);
  const findings = addressesIn(raw, place).map((address) => findingOf(address, place, options));
  return BY_WEIGHT.find((finding) => findings.includes(finding)) ?? null;
}

function addressesIn(raw: string, { form }: LinkPlace): readonly string[] {
  switch (form) {
    case "bare":
    case "rest":
      return [raw];
    case "www":
      return [`//${raw}`];
    case "markup":
      return readingsOf(raw);
    case "parts":
      return withoutEntities(raw)
        .split(/[\s,'"()=;<>]/)
        .filter((piece) => /[/\\]{2}/.test(piece) || /^(https?|wss?|ftp|javascript|vbscript|data):/i.test(piece));
  }
}

function findingOf(
  address: string,
  { loads, form }: LinkPlace,
  options: LinkOptions,
): Exclude<Finding, "too_many_links"> | null {
  const target = targetOf(address);
  if (target.kind === "inert") return null;
  // Renderers make links of bare web addresses, never of bare scripts.
  if (target.kind === "script") return form === "bare" ? null : "script_url";
  const { host, rest } = target;
  if (host !== null && isListed(hostListFor(options), host)) return null;
  if (carriesData(host, rest)) return "data_in_url";
  if (loads) return (options.images ?? "unlisted") === "unlisted" ? "unlisted_image" : null;
  return options.links === "unlisted" ? "unlisted_link" : null;
}

function hostListFor(options: LinkOptions): HostList {
  const known = hostLists.get(options);
  if (known !== undefined) return known;
  const list = hostListOf(options.allow);
  hostLists.set(options, list);
  return list;
}
