/** The reference of commands: every script of package.json, with one line each. A script without a line is an error. */
import { code, generatedFrom, page, table } from "./page.ts";

const GROUPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Run: {
    start:
      "A fleet of simulated GPUs and the router in front of it: the show, then it serves until Ctrl-C. `-- --exit` ends after the show.",
    serve: "Serves `warmpath.jsonc` on this machine. `-- --help` lists its options.",
    key: "Makes an API key, prints it once, and prints its entry for the config. `-- --help` lists its options.",
    tail: "One line for each request that ends, with why its attempts failed: live from a router. `-- --help` lists its filters.",
    dev: "The modules of the deployment in `wrangler dev`, on this machine.",
    deploy: "Builds, checks the config and uploads to Cloudflare. Needs an account.",
    "deploy:dry": "The same up to the upload: offline, without an account.",
    build: "Bundles the Worker into `dist/`, checks the config, and says how large it is.",
  },
  "Change the code": {
    check:
      "Everything that can be known without running: format, lint, types, unused code, generated files, the repository's rules.",
    test: "`check`, `build`, and every test: what CI runs.",
    format: "Formats the code.",
    schema: "Writes `warmpath.schema.json`. `-- --check` only compares.",
    openapi: "Prints the OpenAPI document that `/openapi.json` serves.",
    reference: "Writes the generated pages of the reference, and `llms.txt`. `-- --check` only compares.",
    sbom: "Writes `sbom.cdx.json`, the bill of materials (CycloneDX): what is shipped is `required`, what builds and tests it `optional`.",
    tables: "Writes the rails' tables from Unicode's and other people's data. `-- --check` only compares.",
  },
  "Try hard": {
    "test:fuzz": "20,000 hostile request targets: none reaches another origin.",
    "test:fuzz:rails": "20,000 requests and answers with a planted text: none passes a guardrail as read.",
    fuzz: "Mutated inputs for every reader of what strangers send; `-- --help`.",
    chaos: "22 experiments, each with its promise and what was measured; `-- --help`.",
    "test:chaos": "10,000 requests with aborts, failures and evictions: no lease may be left.",
    "test:chaos:jobs": "Jobs while endpoints, workers and the router are killed: each ends exactly once.",
    compat:
      "Unmodified clients of other people at the router, client by feature: docs/reference/compat.md. Installs them into `compat/`. `-- --help` lists its options.",
    "compat:sdk": "OpenAI's own generated tests of its Python package, through the router. `-- chat` runs one group.",
    "test:engines": "Three real engines on CPUs behind the router. Needs their Python packages.",
    "test:engines:cut": "Real engines that are killed in the midst of a stream, and others that go on with it.",
    "test:engines:work": "The same, with the router's guess of their work against what they count.",
    "test:vllm": "A real vLLM behind the router. Needs a GPU and its Python package.",
    "test:tokens": "Tokens of PyJWT, good and forged, at a router. Says so where the package cannot be had.",
    "test:embeddings":
      "Real sentence embeddings of a server on this CPU, through the router. Says so where its Python package cannot be had.",
    "test:limits":
      "OpenAI's Python package at limits and caps: what it reads, repeats and raises. Says so where it cannot be had.",
    "test:otlp": "Spans, read by OpenTelemetry's own classes and its collector. Says which of them is not here.",
    "test:proxies":
      "The configs of nginx and Caddy in the docs, in front of a router. Says which of them is not installed.",
    "test:prometheus":
      "Metrics, alert rules and every query of the Grafana dashboard, judged by a real Prometheus. Says so where none is installed.",
  },
  Measure: {
    "bench:overhead": "CPU and latency against a bare pass-through, in the same run. `-- --quick` is shorter.",
    "bench:limits": "CPU of a tenant's limits, against the same router without any. `-- --help`.",
    "bench:sight": "CPU that it takes to tell of a request: its record, its counts, its share of the log.",
    "bench:decision": "One routing decision.",
    "bench:flow": "Three parallel checks and a model call, against published figures.",
    "bench:streams": "Output rails on streams.",
    "bench:dashboard":
      "The page in Chromium: first paint, and whether it is smooth with 200 endpoints and 50 decisions a second.",
    "bench:rails": "CPU of every guardrail, on ordinary and on hostile text.",
    "bench:jobs": "From submit to start, and from a freed slot to the next start.",
    "bench:claim": "Claims of the queue's storage.",
    "bench:uploads": "Memory and CPU while forms of 30 MB go up.",
    "bench:failover": "Sixteen ways in which an endpoint misbehaves, scored by a public benchmark's rules.",
    sim: "Routing policies on the same simulated fleets. `-- --list` names them, `-- --soak 1000` looks for broken rules.",
    "eval:rails": "Precision, recall and false positives of the rails on labelled sets: `-- --data DIR`.",
    "eval:sets": "Makes such sets from clones of public repositories.",
    "train:injection": "Trains the injection model anew.",
  },
};

export function commandsPage(packageJson: () => string) {
  return {
    path: "docs/reference/commands.md",
    source: "package.json",
    text: (): string => commandsReference((JSON.parse(packageJson()) as { scripts: Record<string, string> }).scripts),
  };
}

export function commandsReference(scripts: Readonly<Record<string, string>>): string {
  const told = Object.values(GROUPS).flatMap((group) => Object.keys(group));
  const untold = Object.keys(scripts).filter((name) => !told.includes(name));
  const gone = told.filter((name) => scripts[name] === undefined);
  if (untold.length > 0) throw new Error(`tools/reference/commands-page.ts has no line for ${untold.join(", ")}`);
  if (gone.length > 0)
    throw new Error(`tools/reference/commands-page.ts tells of ${gone.join(", ")}, which is no script`);
  const command = (name: string): string => (/^(?:start|test)$/.test(name) ? `npm ${name}` : `npm run ${name}`);
  return page(
    "# Commands",
    generatedFrom("`package.json`"),
    "All are run in a checkout. Options follow `--`, as in `npm run serve -- --port 8080`.",
    ...Object.entries(GROUPS).flatMap(([title, group]) => [
      `## ${title}`,
      table(
        ["command", "does"],
        Object.entries(group).map(([name, does]) => [code(command(name)), does]),
      ),
    ]),
  );
}
