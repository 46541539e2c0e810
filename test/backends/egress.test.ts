import { expect, test } from "vitest";
import { egress } from "../../backends/egress.ts";
import { startAnswering } from "./odd-server.ts";

test("nothing that leaves follows a redirect, whatever the caller asks for", async () => {
  const elsewhere = await startAnswering(200);
  const server = await startAnswering(307, "", { location: elsewhere.url });
  const response = await egress(server.url, { redirect: "follow", headers: { authorization: "Bearer secret" } });
  await response.body?.cancel();
  expect([response.status, elsewhere.asked]).toEqual([307, []]);
});
