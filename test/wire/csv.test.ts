import { expect, test } from "vitest";
import { csvOf } from "../../src/wire/csv.ts";

test.each([
  ["a formula", "=1+1", "'=1+1"],
  ["a formula that calls a program", "=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"],
  ["a sum", "+1", "'+1"],
  ["a difference", "-1", "'-1"],
  ["a function of older spreadsheets", "@SUM(A1)", "'@SUM(A1)"],
  ["a tab before it", "\t=1", "'\t=1"],
  ["a CR before it", "\r=1", `"'\r=1"`],
  ["blanks before it", "  =1", "'  =1"],
  ["a line before it", "\n=1", `"'\n=1"`],
  ["its wide form", "＝1", "'＝1"],
  ["a formula with a comma", "=A1,B1", `"'=A1,B1"`],
  ["a formula that ends its cell first", '=1","=2', `"'=1"",""=2"`],
])("%s is a text", (_, value, written) => {
  expect(csvOf([[value]])).toBe(`${written}\r\n`);
});

test.each([
  ["a comma", "a,b", '"a,b"'],
  ["a quote", 'a"b', '"a""b"'],
  ["two lines", "a\nb", '"a\nb"'],
  ["a CR and LF", "a\r\nb", '"a\r\nb"'],
  ["a sign within it", "a=b-c@d", "a=b-c@d"],
  ["nothing", "", ""],
  ["a number below zero", -5, "-5"],
  ["an amount of money", "0.001560", "0.001560"],
])("a cell with %s is whole", (_, value, written) => {
  expect(csvOf([["x", value, 1]])).toBe(`x,${written},1\r\n`);
});
