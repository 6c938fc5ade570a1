// The box is set up and administered: with the code on its display, a password and a second factor; axe in
// every state, German and English, light and dark, narrow and wide.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Box } from "../lib/box.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";
import { MailServer } from "../lib/mail-server.mjs";

const VIEWS = [
  { locale: "de-DE", colorScheme: "light", viewport: { width: 1440, height: 900 } },
  { locale: "en-GB", colorScheme: "dark", viewport: { width: 390, height: 844 } },
];

for (const view of VIEWS) {
  test(`set-up, administration and audit: ${view.locale}, ${view.viewport.width} px`, async () => {
    const house = await House.start();
    const mail = await MailServer.start();
    const browser = await Chromium.start(house, view);
    try {
      const box = new Box(house, await browser.person("Ada"));
      const ada = await box.setUp();
      const bob = await box.administer(ada, mail);
      await box.readAudit(bob);
      assert.deepEqual(browser.faults, []);
    } finally {
      await browser.stop();
      await mail.stop();
      await house.stop();
    }
  });
}
