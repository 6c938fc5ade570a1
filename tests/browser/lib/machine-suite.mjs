// A suite on a machine: the machine, and a browser that knows its authority.

import { after, before } from "node:test";
import { Chromium } from "./chromium.mjs";
import { Machine } from "./machine.mjs";

/** The machine is emulated. */
export const LIMIT = 120_000;

/** `machine` and `browser` are there when the tests run. `setUp`: it shows its setup code. */
export function machineSuite(locale, { setUp = true } = {}) {
  const suite = {};
  before(async () => {
    suite.machine = await Machine.join();
    if (setUp) await suite.machine.readSetupCode();
    suite.browser = await Chromium.start(suite.machine, { locale, viewport: { width: 1440, height: 900 } });
    suite.browser.context.setDefaultTimeout(LIMIT);
  });
  after(async () => {
    await suite.browser?.stop();
    suite.machine?.stop();
  });
  return suite;
}
