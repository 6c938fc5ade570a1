// Administrators tidy rooms up, and learn nothing of who meets in them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setUpWith } from "../lib/box-api.mjs";
import { RoomsPage, silent } from "../lib/box-rooms.mjs";
import { Box, PEOPLE } from "../lib/box.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";

for (const { keyboard = false, ...view } of PEOPLE) {
  test(`rooms are seen and tidied up, and nobody in them is named: ${view.locale}`, async () => {
    const house = await House.start();
    const [browser, meeting] = [await Chromium.start(house, view), await Chromium.start(house)];
    try {
      const secrets = await setUpWith(house, { ada: "administrator", bob: "auditor" });
      const box = new Box(house, await browser.person("Ada"), { keyboard });
      const host = await meeting.person("Hanna");
      await host.page.goto(house.url);
      const rooms = new RoomsPage(box, [host, await meeting.person("Gustav")]);
      await box.page.goto(`${house.url}/admin`);
      await box.signIn("ada", secrets.ada);
      const done = await rooms.tidyUp((during) => silent(house, "signaling", during));
      await box.control("sign-out").click();
      await box.control("sign-in-name").waitFor();
      await box.signIn("bob", secrets.bob);
      await rooms.readAudit(done);
      assert.deepEqual([...browser.faults, ...meeting.faults], []);
    } finally {
      await meeting.stop();
      await browser.stop();
      await house.stop();
    }
  });
}
