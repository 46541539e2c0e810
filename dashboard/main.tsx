/** The entry of the page. */
import { render } from "preact";
import { App } from "./app.tsx";
import { resumeSession } from "./session/session.ts";
import { resumeTheme } from "./theme.ts";

resumeTheme();
void resumeSession();
const root = document.getElementById("page");
if (root !== null) render(<App />, root);
