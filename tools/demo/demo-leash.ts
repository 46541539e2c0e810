/**
 * Loaded into each GPU simulator of the demo (`node --import`): ends it when its stdin does, that is, when the demo is
 * gone. It holds from the first instant of the process, which telling a guard its pid could not: the demo may be killed
 * before it has said the number. Rejected: doing this in the simulator itself, where others run it with stdin closed.
 */
process.stdin.on("close", () => process.exit()).resume();
// Watching is no reason to stay: a simulator that could not listen ends by itself.
process.stdin.unref();
