/** A job's state as a word. */
import { inWords } from "../store/format.ts";

export function JobState({ status }: { readonly status: string }) {
  return <span class={`job-state job-${status}`}>{inWords(status)}</span>;
}
