/**
 * `llms.txt` (llmstxt.org): the documents for programs that read, one line each, from the index that people read. A
 * page that the index does not name is listed by its path, under "More".
 */
import type { Generated } from "../cli/generated.ts";

const ABOUT =
  "An inference router at the edge (a Cloudflare Worker with Durable Objects, or plain workerd): guardrails in parallel, then the nearest warm GPU endpoint. It speaks OpenAI's API and Runpod's queue API, fails over before the first byte, and takes asynchronous jobs.";

/** `index`: docs/README.md. `pages`: every page below docs/, from there. */
export function llmsPage(index: () => string, pages: () => readonly string[]): Generated {
  return { path: "llms.txt", source: "docs/README.md", text: () => llmsText(index(), pages()) };
}

export function llmsText(index: string, pages: readonly string[]): string {
  const sections = index.split(/^## /m).slice(1);
  const linked = new Set([...index.matchAll(/\]\(([^)#]+\.md)\)/g)].map(([, path = ""]) => path));
  const missing = pages.filter((path) => !linked.has(path));
  const more = missing.map((path) => `- [${path}](docs/${path})`).join("\n");
  const own = sections.map((section) => `## ${section.trim().replaceAll(/\]\((?!https?:)/g, "](docs/")}`);
  return [
    "# Warmpath",
    `> ${ABOUT}`,
    "Two commands on a fresh checkout: `npm ci && npm start` (a fleet of simulated GPUs and the router), `npm ci && npm test`. Everything is configured in one file, `warmpath.jsonc`.",
    ...own,
    ...(more === "" ? [] : [`## More\n\n${more}`]),
    "## Optional\n\n- [README](README.md): what it is, and what a start shows.\n- [Decisions](docs/decisions): why it is as it is.\n- [Changelog](CHANGELOG.md)\n- [Contributing](CONTRIBUTING.md)",
  ]
    .join("\n\n")
    .concat("\n");
}
