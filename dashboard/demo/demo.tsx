/**
 * The demo's own part: its GPUs are processes of this machine, so here are buttons that break them, one that mends them, and
 * one that sends requests meanwhile. All of it can be undone, so nothing is asked before it is done.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { announce } from "../parts/announce.tsx";
import { Section } from "../parts/section.tsx";
import { plural } from "../store/format.ts";
import { models } from "../try/models.ts";
import {
  askAtOnce,
  askDemo,
  ASKED_AT_ONCE,
  type DemoAction,
  type DemoEndpoint,
  type Done,
  lookNow,
  orderDemo,
  readDemo,
} from "./demo-api.ts";

/** Somebody may kill one in a terminal: between two looks, ms. */
const LOOK_GAP_MS = 2_000;

/** One failed probe is no proof: so many more looks at the fleet follow an order. */
const LOOKS_AFTER = 3;

const DONE: Readonly<Record<Done, string>> = {
  up: "nothing",
  killed: "killed",
  slow: "slowed 20 times",
  cold: "gone cold",
};

export function Demo() {
  const [endpoints, setEndpoints] = useState<readonly DemoEndpoint[]>([]);
  const [busy, setBusy] = useState(false);
  const looks = useRef(0);

  useEffect(() => {
    const look = async (): Promise<void> => {
      if (looks.current > 0) {
        looks.current -= 1;
        void lookNow();
      }
      const answer = await askDemo();
      if (answer.ok) setEndpoints(readDemo(answer.value));
    };
    void look();
    const looking = setInterval(() => void look(), LOOK_GAP_MS);
    return () => clearInterval(looking);
  }, []);

  /** One at a time. The button stays as it is, so that the focus does. */
  const alone = async (work: () => Promise<string>): Promise<void> => {
    if (busy) return;
    setBusy(true);
    const said = await work();
    setBusy(false);
    announce(said);
  };
  const order = (action: DemoAction, what: { readonly region?: string; readonly endpoint?: string }, done: string) =>
    alone(async () => {
      const answer = await orderDemo(action, what);
      if (answer.ok) {
        setEndpoints(readDemo(answer.value));
        looks.current = LOOKS_AFTER;
        void lookNow();
      }
      return answer.ok ? done : `Nothing was done. ${answer.message}`;
    });
  const ask = (region: string) =>
    alone(async () => {
      const answered = await askAtOnce(modelOf(), region);
      return `Of ${ASKED_AT_ONCE} requests from ${region}: ${[...answered].map(([who, count]) => `${count} from ${who}`).join(", ")}.`;
    });

  return (
    <Section
      id="demo"
      title="Break it"
      note="In the demo alone: its GPUs are processes of this machine. Send requests, kill a region, and see below who answers and why."
      actions={
        <button type="button" class="button" onClick={() => void order("undo", {}, "All is undone.")}>
          Undo all
        </button>
      }
    >
      <div class="table-box" tabIndex={0} role="region" aria-label="What can be done to the demo's GPUs">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Region</th>
              <th scope="col">GPU</th>
              <th scope="col">Done to it</th>
              <th scope="col">
                <span class="unseen">Orders</span>
              </th>
            </tr>
          </thead>
          <tbody aria-busy={busy}>
            {endpoints.map((one) => (
              <DemoLine key={one.id} one={one} order={order} ask={ask} />
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

type LineProps = {
  readonly one: DemoEndpoint;
  readonly order: (
    action: DemoAction,
    what: { readonly region?: string; readonly endpoint?: string },
    done: string,
  ) => Promise<void>;
  readonly ask: (region: string) => Promise<void>;
};

function DemoLine({ one: { id, region, state }, order, ask }: LineProps) {
  const buttons: readonly (readonly [label: string, rest: string, act: () => Promise<void>])[] = [
    [`Send ${plural(ASKED_AT_ONCE, "request")}`, ` from ${region}`, async () => ask(region)],
    ["Slow", ` ${id}`, async () => order("slow", { endpoint: id }, `${id} is 20 times slower.`)],
    ["Let go cold", ` ${id}`, async () => order("cold", { endpoint: id }, `${id} has forgotten its model.`)],
    ["Kill", ` the region ${region}`, async () => order("kill", { region }, `Every GPU of ${region} is killed.`)],
    ["Undo", ` what was done to ${id}`, async () => order("undo", { endpoint: id }, `${id} is as it was.`)],
  ];
  return (
    <tr>
      <th scope="row">{region}</th>
      <td>{id}</td>
      <td>{state === "up" ? <span class="unknown">{DONE.up}</span> : <b>{DONE[state]}</b>}</td>
      <td class="orders">
        {buttons.map(([label, rest, act]) => (
          <button
            key={rest + label}
            type="button"
            class={label === "Kill" ? "button button-small button-danger" : "button button-small"}
            onClick={() => void act()}
          >
            {label}
            <span class="unseen">{rest}</span>
          </button>
        ))}
      </td>
    </tr>
  );
}

/** The demo's first is the one that all its GPUs serve. */
const modelOf = (): string => models.peek()?.[0] ?? "";
