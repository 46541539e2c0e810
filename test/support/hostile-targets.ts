/**
 * Request targets that try to get out: seeds that are real paths of the router, spliced and mutated with what URL
 * parsers, proxies and file systems read in two ways. Seeded: the same seed gives the same calls.
 */
import { seededRng } from "../../src/lib/rng.ts";
import type { Rng } from "../../src/lib/rng.ts";

export type HostileCall = {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** `evil`: host and port that nothing may reach; `pools`: their ids. */
export function hostileCalls(seed: number, count: number, evil: string, pools: readonly string[]): HostileCall[] {
  const rng = seededRng(seed);
  return Array.from({ length: count }, () => hostileCall(rng, evil, pools));
}

const TAILS = [
  "v1/chat/completions",
  "v1/models",
  "v1/models/org%2Fname",
  "v1/audio/speech",
  "tokenize",
  "x",
  "shutdown",
  "",
];

/** What is put between, before and behind: dots, slashes, hosts, and how they hide. */
function pieces(evil: string): readonly string[] {
  const dots = [
    "..",
    ".",
    "...",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "%252e%252e",
    "..;",
    "..;x=1",
    "..%3b",
    "%c0%ae%c0%ae",
    "．．",
  ];
  const slashes = ["/", "//", "\\", "%2f", "%2F", "%5c", "%5C", "%252f", "/\\", "%c0%af"];
  const hosts = [
    `@${evil}`,
    `//${evil}`,
    `http://${evil}`,
    `\\\\${evil}`,
    `:80@${evil}`,
    `.${evil}`,
    `%40${evil}`,
    evil,
  ];
  const ends = ["#", "?", "%23", "%3f", ";", "%00", "%0d%0a", "%09", "%20", "%7f", "%", "%zz", "é", "'", "&", "=", ":"];
  return [...dots, ...dots.map((dot) => `/${dot}/`), ...slashes, ...hosts, ...ends];
}

const METHODS = ["GET", "GET", "POST", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND", "PATCH"];

function hostileCall(rng: Rng, evil: string, pools: readonly string[]): HostileCall {
  const some = pieces(evil);
  const pool = pick(rng, pools);
  const tail = pick(rng, TAILS);
  const path = mutated(rng, `/${tail}`, some);
  const door = rng();
  if (door < 0.08) {
    // A job's own route; its JSON takes any text.
    const input = { route: path, method: pick(rng, ["GET", "POST"]), body: {} };
    return { method: "POST", target: `/v2/${pool}/run`, headers: {}, body: JSON.stringify({ input }) };
  }
  const start = pick(rng, [`/p/${pool}`, `/p/${pool}`, `/v2/${pool}/openai`, "", `/p/${pool}@${evil}`, `/p`]);
  const whole = rng() < 0.5 ? start + path : mutated(rng, `${start}/${tail}`, some);
  const target = rng() < 0.1 ? `/${pick(rng, some)}/..${whole}` : whole;
  const isAsync = door < 0.12;
  const host = rng() < 0.05 ? { host: pick(rng, [evil, `a@${evil}`, `${evil}/x`, "a b", "[::1]:1"]) } : {};
  const method = isAsync ? "POST" : pick(rng, METHODS);
  return { method, target, headers: { ...(isAsync ? { prefer: "respond-async" } : {}), ...host }, body: "{}" };
}

/** One to four pieces, each put somewhere or in place of something. */
function mutated(rng: Rng, path: string, some: readonly string[]): string {
  let text = path;
  for (let left = 1 + Math.floor(rng() * 4); left > 0; left -= 1) {
    const at = Math.floor(rng() * (text.length + 1));
    const gone = rng() < 0.3 ? Math.floor(rng() * 4) : 0;
    text = text.slice(0, at) + pick(rng, some) + text.slice(at + gone);
  }
  return rng() < 0.2 ? encodedSomewhere(rng, text) : text;
}

/** One character percent-encoded that need not be, or need be. */
function encodedSomewhere(rng: Rng, text: string): string {
  const at = Math.floor(rng() * text.length);
  const code = text.charCodeAt(at);
  if (Number.isNaN(code) || code > 127) return text;
  return `${text.slice(0, at)}%${code.toString(16).padStart(2, "0")}${text.slice(at + 1)}`;
}

function pick<Value>(rng: Rng, values: readonly Value[]): Value {
  const value = values[Math.floor(rng() * values.length)];
  if (value === undefined) throw new Error("nothing to pick from");
  return value;
}
