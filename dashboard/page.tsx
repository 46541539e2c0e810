/** The whole page of who is signed in, top to bottom. */
import { Decisions } from "./decisions/decisions.tsx";
import { Fleet } from "./fleet/fleet.tsx";
import { Header } from "./header.tsx";
import { LOWER_SECTIONS, LowerHalf } from "./lower/lower-half.tsx";
import { Announcements } from "./parts/announce.tsx";
import { ConfirmDialog } from "./parts/confirm.tsx";
import { StatusStrip } from "./strip/status-strip.tsx";

const SECTIONS = [["fleet", "Fleet"], ["decisions", "Decisions"], ...LOWER_SECTIONS] as const;

export function Page() {
  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <Header sections={SECTIONS} />
      <main id="content" tabIndex={-1}>
        <StatusStrip />
        <Fleet />
        <Decisions />
        <LowerHalf />
      </main>
      <Announcements />
      <ConfirmDialog />
    </>
  );
}
