/** May this key have this path of a pool's endpoints: what every door that lets a client name a path asks. */
import { methodsOf, reachOf } from "../wire/open-paths.ts";
import { withoutLastSlash } from "../wire/request-target.ts";
import type { Refusal } from "../wire/refusal.ts";
import type { Identity } from "../wire/api-keys.ts";
import type { EdgePool } from "./runtime.ts";

export type Reached = {
  readonly method: string;
  /** At the endpoint, in the one spelling, with its query. */
  readonly path: string;
  /** Who named the path: what the config maps to is open by that. */
  readonly from: "client" | "config";
};

/** Null: it may. */
export function refuseReach(
  { identity }: { readonly identity: Identity },
  pool: EdgePool,
  reached: Reached,
): Refusal | null {
  const [asked = ""] = reached.path.split("?");
  const opened = reached.from === "config" ? ["*"] : pool.config.paths;
  switch (reachOf(asked, reached.method, opened)) {
    case "open":
      return null;
    case "operator":
      if (identity.scopes.includes("operate")) return null;
      return { reason: "forbidden", detail: `${asked} operates the engine: it needs a key with the scope "operate".` };
    case "wrong_method": {
      const methods = methodsOf(withoutLastSlash(asked));
      return { reason: "method_not_allowed", headers: [["allow", methods.join(", ")]] };
    }
    case "closed": {
      const option = `pools.${pool.config.id}.paths`;
      const detail = `This pool does not open ${asked}. Inference is open, such as /v1/chat/completions; the operator opens more with ${option}: ["${asked}"].`;
      return { reason: "path_not_open", detail };
    }
  }
}
