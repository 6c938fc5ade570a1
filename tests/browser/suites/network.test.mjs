// Whoever tries network settings and does not confirm them waits at the page until the box is back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Box, PEOPLE } from "../lib/box.mjs";
import { call, setUpWith } from "../lib/box-api.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";

const STATE = "**/api/box/network";

for (const { keyboard, ...view } of PEOPLE) {
  test(`network settings that nobody confirmed: ${view.locale}`, async () => {
    const house = await House.start();
    let browser;
    try {
      const secrets = await setUpWith(house, { ada: "administrator" });
      browser = await Chromium.start(house, view);
      const { page } = await browser.person("ada");
      const box = new Box(house, { page, control: (id) => page.getByTestId(id) }, { keyboard });
      await page.clock.install();
      await page.goto(`${house.url}/admin`);
      await box.signIn("ada", secrets.ada);
      await box.area("network");
      await box.control("network-dns").fill("192.0.2.53");
      await box.control("network-save").click();
      await box.control("network-keep").waitFor();

      // The box is not back yet: it does not answer, or is still on trial.
      await page.route(STATE, (route) => route.abort());
      const refused = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/api/box/network"));
      await page.clock.fastForward("01:01");
      await refused;
      await page.locator('[data-testid="network-trial"][data-state="back"]').waitFor();
      assert.equal(await box.control("network-keep").count(), 0);
      await box.check("network that nobody confirmed");
      await page.unroute(STATE);
      const onTrial = page.waitForResponse(STATE);
      await page.clock.runFor(10_000);
      assert.ok((await (await onTrial).json()).seconds_left > 0);
      assert.equal(await box.control("network-trial").count(), 1);

      // A minute does not pass on the box: what it says afterwards is put into its answer.
      await page.route(STATE, async (route) => {
        const { cookie } = await route.request().allHeaders();
        const { body } = await call(house, "GET", "network", undefined, { cookie });
        await route.fulfill({ json: { ...body, seconds_left: undefined } });
      });
      await page.clock.runFor(10_000);
      await box.control("network-save").waitFor();
      assert.equal(await box.control("network-dns").inputValue(), "", "the former settings are shown");
      await box.control("toast").first().waitFor();
    } finally {
      await browser?.stop();
      await house.stop();
    }
  });
}
