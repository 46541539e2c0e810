/** The whole page of who is signed in, top to bottom. */
import { Decisions } from "./decisions/decisions.tsx";
import { Demo } from "./demo/demo.tsx";
import { Fleet } from "./fleet/fleet.tsx";
import { Header } from "./header.tsx";
import { LOWER_SECTIONS, LowerHalf } from "./lower/lower-half.tsx";
import { Announcements } from "./parts/announce.tsx";
import { ConfirmDialog } from "./parts/confirm.tsx";
import { isDemo } from "./session/session.ts";
import { StatusStrip } from "./strip/status-strip.tsx";

const DEMO = ["demo", "Break it"] as const;
const SECTIONS = [["fleet", "Fleet"], ["decisions", "Decisions"], ...LOWER_SECTIONS] as const;

export function Page() {
  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <Header sections={isDemo.value ? [DEMO, ...SECTIONS] : SECTIONS} />
      <main id="content" tabIndex={-1}>
        <StatusStrip />
        {isDemo.value ? <Demo /> : null}
        <Fleet />
        <Decisions />
        <LowerHalf />
      </main>
      <Announcements />
      <ConfirmDialog />
    </>
  );
}
