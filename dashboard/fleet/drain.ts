/** Takes an endpoint out of traffic and back, when the reader has confirmed it. */
import { announce } from "../parts/announce.tsx";
import { askConfirm } from "../parts/confirm.tsx";
import { apiCall, memberOf } from "../session/api-call.ts";
import type { EndpointRow } from "../store/endpoint-rows.ts";
import { plural } from "../store/format.ts";

export async function changeDrain({ id, pool, inFlight }: EndpointRow, drain: boolean): Promise<void> {
  const yes = await askConfirm(
    drain
      ? {
          title: `Drain ${id}?`,
          text: `It takes nothing new of ${pool}. What runs there (${inFlight} in flight) ends by itself.`,
          action: "Drain",
          danger: true,
        }
      : { title: `Undrain ${id}?`, text: `It takes requests of ${pool} again.`, action: "Undrain" },
  );
  if (!yes) return;
  const answer = await apiCall("POST", `/admin/endpoints/${encodeURIComponent(id)}/${drain ? "drain" : "undrain"}`);
  if (!answer.ok) return announce(`${id} was not ${drain ? "drained" : "undrained"}. ${answer.message}`);
  const left = memberOf(answer.value, "inFlight");
  const rest = drain && typeof left === "number" && left > 0 ? `: ${plural(left, "request")} still in flight` : "";
  announce(drain ? `${id} is draining${rest}.` : `${id} takes traffic again.`);
}
