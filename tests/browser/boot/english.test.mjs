// A box that was reset is set up again, in English, as the operations manual says.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Box } from "../lib/box.mjs";
import { machineSuite } from "../lib/machine-suite.mjs";
import { firstMeeting, setUp } from "../lib/manual-steps.mjs";

const suite = machineSuite("en-GB");

test("set-up in English after a factory reset, by the manual", async () => {
  const { machine, browser } = suite;
  const box = new Box(machine, await browser.person("Ada"));
  const told = await setUp(box, "en");
  await firstMeeting(box, "en", told);
  await box.page.goto(`${machine.url}/admin`);
  await box.signIn("ada@example.org", told.secret);
  await box.control("overview").getByRole("definition").first().waitFor();
  writeFileSync(join(machine.kept, "english.json"), JSON.stringify(told));
  assert.deepEqual(browser.faults, []);
});
