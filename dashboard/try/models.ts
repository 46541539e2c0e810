/** The models that may be asked for, as the router lists them; null until it has, or where it does not. */
import { signal } from "@preact/signals";
import { API, apiCall, memberOf } from "../session/api-call.ts";

export const models = signal<readonly string[] | null>(null);

export async function loadModels(): Promise<void> {
  const answer = await apiCall("GET", `${API}/models`);
  const list = answer.ok ? memberOf(answer.value, "data") : null;
  if (!Array.isArray(list)) return;
  const ids = list.map((one: unknown) => memberOf(one, "id")).filter((id): id is string => typeof id === "string");
  if (ids.length > 0) models.value = ids;
}
