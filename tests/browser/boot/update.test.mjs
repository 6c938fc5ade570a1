// The box gets another version as a file from the browser, proves it, and is told to go back, as the manual says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Box, signedInBefore } from "../lib/box.mjs";
import { LIMIT, machineSuite } from "../lib/machine-suite.mjs";
import { goBack, update } from "../lib/manual-steps.mjs";

const NEXT = "0.1.1";

const suite = machineSuite("en-GB", { setUp: false });

test("an update from a file and back, by the manual", async () => {
  const { machine, browser } = suite;
  const told = JSON.parse(readFileSync(join(machine.kept, "english.json"), "utf8"));
  const box = new Box(machine, await browser.person("Ada"));
  signedInBefore(told.secret);
  // Writing and reading back a slot, and the call that proves a version.
  browser.context.setDefaultTimeout(4 * LIMIT);
  const version = async () => /^VERSION_ID="?([\d.]+)/m.exec(await machine.shell("cat /usr/lib/os-release"))[1];
  const before = await version();
  assert.notEqual(before, NEXT);
  await update(box, "en", machine.update, told, () => machine.restarted());
  assert.equal(await version(), NEXT);
  await goBack(box, "en", NEXT, told, () => machine.restarted());
  assert.equal(await version(), before);
});
