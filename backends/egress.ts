/**
 * The only place from which this project calls the network: attempts, probes and wake-ups all leave here, so that what
 * must hold for every request out holds in one place.
 *
 * Redirects are never followed: a redirect would carry a credential, or a prompt, to an address that no config named.
 * Rejected: checks in each route, which is how gateways have forgotten one (facts/reliability.md 0.9).
 */
import type { Fetcher } from "./port.ts";

export const egress: Fetcher = (url, init) => fetch(url, { ...init, redirect: "manual" });
