/** Webhooks: signed, told once or again under the same id, given up, disabled; and where they may not go. */
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { DELIVERIES_MAX } from "../../src/jobs/core/fair-delivery.ts";
import { webhookTarget } from "../../src/wire/webhook-target.ts";
import {
  answerWith,
  ended,
  held,
  latch,
  passMs,
  queue,
  sent,
  submit,
  TENANT,
  until,
  useQueue,
} from "./job-queue-support.ts";
import type { Call } from "./job-queue-support.ts";

useQueue();

/** The fixture's own (vitest.config.ts). */
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/** Of the fixture's tenant "own". */
const OWN_SECRET = "whsec_b3duIHNlY3JldCBvZiBvbmUgdGVuYW50IQ==";
const OLD_SECRET = "whsec_b2xkIHNlY3JldCBvZiBvbmUgdGVuYW50IQ==";
const URL_OF_HOOK = "https://hooks.example.com/job";
const isHook = ({ url }: Call): boolean => url === URL_OF_HOOK;
const hooks = (): Call[] => sent.filter(isHook);

function receiver(status: () => number): void {
  answerWith((call) => (isHook(call) ? new Response("", { status: status() }) : Response.json({ output: "done" })));
}
const hook = (form: "standard" | "runpod", events: readonly string[] = ["job.completed"]) => ({
  url: URL_OF_HOOK,
  form,
  events,
});

describe("a webhook in the standard form", () => {
  test("verifies with the reference library", async () => {
    receiver(() => 200);
    const { id } = await submit({ webhook: hook("standard") });
    await until(() => hooks().length === 1);
    const [call] = hooks();
    const headers = Object.fromEntries(call?.headers ?? []) as Record<string, string>;
    // The library checks the timestamp against the clock, which is the test's.
    const told = new Webhook(SECRET).verify(call?.body ?? "", headers) as {
      type: string;
      data: { id: string; output: unknown };
    };
    expect(told).toMatchObject({ type: "job.completed", data: { id, status: "completed", output: "done" } });
  });

  test("is sent again under the same id until it is taken, and then no more", async () => {
    let status = 500;
    receiver(() => status);
    await ended((await submit({ webhook: hook("standard") })).id);
    await until(() => hooks().length === 1);
    status = 204;
    await until(async () => {
      await passMs(5_000);
      return hooks().length === 2;
    });
    await passMs(3_600_000);
    expect(new Set(hooks().map(({ headers }) => headers.get("webhook-id"))).size).toBe(1);
    expect(hooks()).toHaveLength(2);
  });

  test("survives the object, which died between the end of the job and the delivery", async () => {
    const taken = latch();
    receiver(() => (taken.isOpen ? 200 : 503));
    await ended((await submit({ webhook: hook("standard") })).id);
    await until(() => hooks().length === 1);
    await queue()
      .restart()
      .catch(() => undefined);
    taken.isOpen = true;
    await until(async () => {
      await passMs(5_000);
      return hooks().length >= 2;
    });
    expect(new Set(hooks().map(({ headers }) => headers.get("webhook-id"))).size).toBe(1);
  });

  test("that is answered 410 is not called again, for this job or the next", async () => {
    receiver(() => 410);
    await ended((await submit({ webhook: hook("standard") })).id);
    await until(async () => (await queue().deadDeliveries(TENANT)).length === 1);
    const [dead] = await queue().deadDeliveries(TENANT);
    expect(dead?.state).toBe("disabled");
    expect(await queue().replayDelivery(TENANT, dead?.webhookId ?? "")).toBe(false);
    await ended((await submit({ webhook: hook("standard") })).id);
    await passMs(60_000);
    expect(hooks()).toHaveLength(1);
  });

  test("tells what its filter names, and nothing else", async () => {
    receiver(() => 200);
    await ended((await submit({ webhook: hook("standard", ["job.started"]) })).id);
    await until(() => hooks().length === 1);
    await passMs(1_000);
    expect(hooks().map(({ body }) => (JSON.parse(body) as { type: string }).type)).toEqual(["job.started"]);
  });
});

describe("webhooks of several tenants", () => {
  const HANGING = 24;
  const hostOf = ({ url }: Call): string => new URL(url).host;
  const told = (host: string): Call[] => sent.filter((call) => hostOf(call).endsWith(host));

  /** Submits a job of the tenant, which has ended when this resolves. */
  async function ending(tenant: string, url: string): Promise<void> {
    const wanted = { url, form: "standard", events: ["job.completed"] } as const;
    const { id } = await submit({ tenant, webhook: wanted });
    await until(async () => (await queue().view(tenant, id, 0))?.status === "completed");
  }

  test("one whose 24 receivers hang keeps nobody else's waiting", async () => {
    const slow = latch();
    answerWith(async (call) => {
      if (hostOf(call).endsWith(".slow.example.com")) return held(call, slow, () => new Response("", { status: 200 }));
      return hostOf(call).endsWith("example.com") ? new Response("") : Response.json({ output: 1 });
    });
    for (let n = 0; n < HANGING; n++) await ending("slow", `https://r${n}.slow.example.com/`);
    await until(() => told(".slow.example.com").length === DELIVERIES_MAX / 2);
    // All of them hang, and are due before these.
    for (const tenant of ["quick", "other"]) {
      for (let n = 0; n < 3; n++) await ending(tenant, `https://${tenant}.example.com/${n}`);
    }
    await until(() => told("quick.example.com").length === 3 && told("other.example.com").length === 3);
    expect(told(".slow.example.com")).toHaveLength(DELIVERIES_MAX / 2);
    slow.isOpen = true;
    await until(() => told(".slow.example.com").length === HANGING);
  });

  test("go round the tenants when room is made, whoever came first", async () => {
    const slow = latch();
    answerWith(async (call) => {
      if (hostOf(call).endsWith(".slow.example.com")) return held(call, slow, () => new Response("", { status: 200 }));
      return hostOf(call).endsWith("example.com") ? new Response("") : Response.json({ output: 1 });
    });
    // Every slot is taken.
    for (const tenant of ["a", "a", "b", "c"])
      await ending(tenant, `https://${tenant}${sent.length}.slow.example.com/`);
    await until(() => told(".slow.example.com").length === DELIVERIES_MAX);
    for (const tenant of ["d", "d", "d", "e", "f"]) await ending(tenant, `https://${tenant}.example.com/`);
    slow.isOpen = true;
    const later = (): string[] => sent.map(hostOf).filter((host) => /^[def]\.example\.com$/.test(host));
    await until(() => later().length === 5);
    expect(new Set(later().slice(0, 3)).size).toBe(3);
  });

  test("each are signed by the tenant's own secrets, both while one is changed, and by everybody's where it has none", async () => {
    receiver(() => 200);
    await ending("own", URL_OF_HOOK);
    await ending("none", URL_OF_HOOK);
    await until(() => hooks().length === 2);
    const verifies = (secret: string, call: Call | undefined): boolean => {
      try {
        new Webhook(secret).verify(call?.body ?? "", Object.fromEntries(call?.headers ?? []) as Record<string, string>);
        return true;
      } catch {
        return false;
      }
    };
    const [own, none] = hooks();
    expect([OWN_SECRET, OLD_SECRET, SECRET].map((secret) => verifies(secret, own))).toEqual([true, true, false]);
    expect([OWN_SECRET, OLD_SECRET, SECRET].map((secret) => verifies(secret, none))).toEqual([false, false, true]);
  });
});

describe("a webhook in Runpod's form", () => {
  test("is the plain status, tried three times, ten seconds apart; then it is a dead letter that can be replayed", async () => {
    let status = 201;
    receiver(() => status);
    const { id } = await submit({ webhook: hook("runpod", []) });
    await ended(id);
    for (let tries = 1; tries <= 3; tries++) {
      await until(() => hooks().length === tries);
      await passMs(10_000);
    }
    await until(async () => (await queue().deadDeliveries(TENANT)).length === 1);
    expect(hooks()).toHaveLength(3);
    expect(JSON.parse(hooks()[0]?.body ?? "")).toMatchObject({ id, status: "COMPLETED", output: "done" });
    status = 200;
    const [dead] = await queue().deadDeliveries(TENANT);
    expect(await queue().replayDelivery("other", dead?.webhookId ?? "")).toBe(false);
    expect(await queue().replayDelivery(TENANT, dead?.webhookId ?? "")).toBe(true);
    await until(() => hooks().length === 4);
    await until(async () => (await queue().deadDeliveries(TENANT)).length === 0);
  });
});

describe("a webhook's address", () => {
  test.each([
    ["https://example.com/hook", true],
    ["https://example.com:8443/hook", true],
    ["http://example.com/hook", false],
    ["ftp://example.com/", false],
    ["nonsense", false],
    ["https://user:pw@example.com/", false],
    ["https://localhost/", false],
    ["https://router/", false],
    ["https://db.internal/", false],
    ["https://printer.local./", false],
    ["https://localhost.localdomain/", false],
    ["https://kubernetes.default.svc/", false],
    ["https://127.0.0.1/", false],
    ["https://2130706433/", false],
    ["https://0x7f.1/", false],
    ["https://10.1.2.3/", false],
    ["https://100.64.0.1/", false],
    ["https://169.254.169.254/latest", false],
    ["https://172.31.255.255/", false],
    ["https://172.32.0.1/", true],
    ["https://192.168.0.1/", false],
    ["https://198.51.100.7/", false],
    ["https://224.0.0.1/", false],
    ["https://8.8.8.8/", true],
    ["https://[::1]/", false],
    ["https://[::ffff:127.0.0.1]/", false],
    ["https://[fd00::1]/", false],
    ["https://[fe80::1]/", false],
    ["https://[2002:7f00:1::]/", false],
    ["https://[2001:db8::1]/", false],
    ["https://[2606:4700::1111]/", true],
  ])("%s: %s", (url, isAllowed) => {
    expect(webhookTarget(url, false).ok).toBe(isAllowed);
  });

  test("may be loopback in development", () => {
    expect(webhookTarget("http://127.0.0.1:9000/", true).ok).toBe(true);
    expect(webhookTarget("ftp://127.0.0.1/", true).ok).toBe(false);
  });
});
