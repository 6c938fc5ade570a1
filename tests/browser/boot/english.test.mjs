// A box that was reset is set up again, in English, as the operations manual says.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Box } from "../lib/box.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { Machine } from "../lib/machine.mjs";
import { firstMeeting, setUp } from "../lib/manual-steps.mjs";

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

test("set-up in English after a factory reset, by the manual", async () => {
  const box = new Box(machine, await browser.person("Ada"));
  const told = await setUp(box, "en");
  await firstMeeting(box, "en", told);
  await box.page.goto(`${machine.url}/admin`);
  await box.signIn("ada@example.org", told.secret);
  await box.control("overview").getByRole("definition").first().waitFor();
  assert.deepEqual(browser.faults, []);
});
