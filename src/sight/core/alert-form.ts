/**
 * Decides how an alert reads to its receiver: as an event of Standard Webhooks, or in the shape that Slack's incoming
 * webhooks take (`text`, which notifications show, and `blocks`).
 *
 * In Slack's text `&`, `<` and `>` have a meaning, and a `:` around a word another: ids of a config have none of the
 * first three, and are written as code besides.
 */
import type { AlertEvent, AlertPhase } from "./alerts.ts";

export type AlertForm = "standard" | "slack";

const TITLES: Readonly<Record<AlertPhase, string>> = {
  raised: "Alert",
  reminded: "Still so",
  resolved: "Resolved",
};

/** `timestamp`: the event's instant as RFC 3339 writes it. */
export function alertBody(event: AlertEvent, form: AlertForm, timestamp: string): string {
  return form === "slack" ? slackBody(event) : standardBody(event, timestamp);
}

function standardBody(
  { phase, id, kind, subject, sinceMs, value, limit, text }: AlertEvent,
  timestamp: string,
): string {
  return JSON.stringify({
    type: `alert.${phase}`,
    timestamp,
    data: { id, kind, subject, sinceMs, value, limit, text },
  });
}

function slackBody({ phase, kind, subject, sinceMs, atMs, text }: AlertEvent): string {
  const title = `${TITLES[phase]}: ${text}`;
  const seconds = Math.round((atMs - sinceMs) / 1_000);
  const about = `\`${kind}\` · \`${subject}\`${seconds > 0 ? ` · for ${seconds} s` : ""}`;
  return JSON.stringify({
    text: escaped(title),
    blocks: [
      { type: "section", text: { type: "mrkdwn", text: `*${escaped(TITLES[phase])}*  ${escaped(text)}` } },
      { type: "context", elements: [{ type: "mrkdwn", text: escaped(about) }] },
    ],
  });
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
