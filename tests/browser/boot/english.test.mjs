// A box that was reset is set up again, in English, as it comes.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Box } from "../lib/box.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { Machine } from "../lib/machine.mjs";

/** The machine is emulated. */
const LIMIT = 120_000;

let machine;
let browser;

before(async () => {
  machine = await Machine.join();
  await machine.readSetupCode();
  browser = await Chromium.start(machine, { locale: "en-GB", viewport: { width: 1440, height: 900 } });
  browser.context.setDefaultTimeout(LIMIT);
});

after(async () => {
  await browser?.stop();
  machine?.stop();
});

test("set-up in English after a factory reset", async () => {
  const box = new Box(machine, await browser.person("Ada"));
  const secret = await box.setUp({ network: () => box.control("network-save").click() });
  await box.control("to-admin").click();
  await box.signIn("ada@example.org", secret);
  await box.control("overview").getByRole("definition").first().waitFor();
  assert.deepEqual(browser.faults, []);
});
