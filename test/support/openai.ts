/** The published `openai` package, unmodified, talking to a fleet or straight to an endpoint. */
import OpenAI from "openai";
import type { ClientOptions } from "openai";
import type { Fleet } from "./fleet.ts";

/** Without the package's own retries, so that a test sees what the router answered. */
export function openaiOf(fleet: Fleet, { place = "us-east", ...options }: ClientOptions & { place?: string } = {}) {
  return new OpenAI({
    baseURL: `${fleet.router.url}/v1`,
    apiKey: fleet.key,
    maxRetries: 0,
    logLevel: "off",
    defaultHeaders: { "x-warmpath-place": place },
    ...options,
  });
}

/** The same client without a router in between. */
export function openaiAt(url: string) {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
}

let places = 0;

/**
 * A place near a region where nobody was before, about 100 km from the last: on one machine every endpoint answers
 * within a millisecond, and a measured round trip would make all of them equally near.
 */
export function freshPlace(region: "us-east" | "eu-west"): string {
  places += 1;
  const [lat, lon] = region === "us-east" ? [30, -77] : [44, 8];
  return `${lat + Math.floor(places / 12)},${lon + (places % 12)}`;
}
