import { expect, test } from "vitest";
import { besideOf } from "../../src/gateway/beside.ts";

test("the target is read as its reader reads it, a line for each member", () => {
  expect(besideOf("/generate/%41?prompt=my+key%3D%41&b=1?2&broken=%FF", false, {})).toEqual([
    { path: "?", role: "user", text: "/generate/A\nprompt=my key=A\nb=1?2\nbroken=%FF" },
  ]);
});

test("the router's own path is no text, and the values of headers are", () => {
  expect(besideOf("/v1/chat/completions", true, { accept: "*/*", "x-prompt": "hi" })).toEqual([
    { path: ":", role: "parameter", text: "*/*\nhi" },
  ]);
});
