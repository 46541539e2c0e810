/** A small valid config to change in tests, and the ways to change it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

function sampleConfig(): { [key: string]: Json } {
  return {
    regions: { us: { lat: 39, lon: -77.5, hint: "enam" }, eu: { lat: 50.1, lon: 8.7, hint: "weur" } },
    keys: [{ id: "ops", tenant: "acme", hmac: "0".repeat(64) }],
    routes: [{ path: "/score", pool: "llama" }],
    pools: {
      llama: {
        endpoints: [
          { id: "a", region: "us", backend: "openai", url: "https://a.example.com" },
          { id: "b", region: "eu", backend: "openai", url: "https://b.example.com" },
        ],
      },
      small: { endpoints: [{ id: "c", region: "us", backend: "openai", url: "https://c.example.com" }] },
    },
  };
}

/** Text of the sample with `value` at `path` ("pools.llama.endpoints.0.url"); undefined removes what is there. */
export function configText(path?: string, value?: Json): string {
  const root = sampleConfig();
  if (path === undefined) return JSON.stringify(root, null, 2);
  const steps = path.split(".");
  const last = steps.pop() ?? "";
  let at: { [key: string]: Json } = root;
  for (const step of steps) at = (at[step] ??= {}) as { [key: string]: Json };
  if (value === undefined) delete at[last];
  else at[last] = value;
  return JSON.stringify(root, null, 2);
}
