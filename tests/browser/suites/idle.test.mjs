// WCAG 2.2.1: a session of the administration that is about to end says so, and goes on when somebody is there.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Box, PEOPLE } from "../lib/box.mjs";
import { call, setUpWith } from "../lib/box-api.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";

const NAMES = ["ada", "berta"];

let house;
let secrets;

before(async () => {
  house = await House.start();
  secrets = await setUpWith(house, { ada: "administrator", berta: "administrator" });
});

after(() => house?.stop());

for (const [number, { keyboard, ...view }] of PEOPLE.entries()) {
  test(`au8 nobody is signed out unannounced: ${view.locale}`, async () => {
    const browser = await Chromium.start(house, view);
    try {
      const name = NAMES[number];
      const { page } = await browser.person(name);
      const box = new Box(house, { page, control: (id) => page.getByTestId(id) }, { keyboard });
      const boxSays = await sessionOf(page);
      await page.clock.install();
      await page.goto(`${house.url}/admin`);
      await box.signIn(name, secrets[name]);
      await box.area("accounts");
      await box.control("account-row").first().waitFor();

      boxSays({ idle_seconds_left: 110 });
      await page.clock.fastForward("28:30");
      await box.control("idle-stay").waitFor();
      await box.check("session that is about to end");
      // That the page shows it, is not that somebody is there.
      await page.clock.runFor(10_000);
      assert.equal(await box.control("idle-stay").count(), 1);
      await box.control("idle-stay").click();
      await box.control("idle-stay").waitFor({ state: "detached" });
      await box.control("account-row").first().waitFor();

      // Another page of the same browser was used meanwhile.
      const asked = boxSays({ idle_seconds_left: 1_700 });
      await page.clock.fastForward("28:30");
      await asked;
      assert.equal(await box.control("idle-stay").count(), 0);

      // A day's work is over soon, whoever uses the page.
      boxSays({ idle_seconds_left: 1_700, seconds_left: 290 });
      await page.clock.fastForward("28:30");
      await box.control("end-understood").waitFor();
      await box.check("session whose ten hours are almost over");
      await box.control("end-understood").click();
      await page.clock.runFor(10_000);
      assert.equal(await box.control("end-understood").count(), 0, "it is said once");

      boxSays({ csrf_token: undefined, idle_seconds_left: undefined, account: undefined });
      await page.clock.fastForward("30:00");
      await box.control("sign-in-name").waitFor();
      await box.control("toast").first().waitFor();
    } finally {
      await browser.stop();
    }
  });
}

/** Hours do not pass on the box: what it says to a page that nobody uses is put into its answers. */
async function sessionOf(page) {
  let said;
  let told;
  await page.route("**/api/box/session", async (route) => {
    const { cookie, "x-unattended": unattended } = await route.request().allHeaders();
    if (!unattended) return await route.continue();
    const { body } = await call(house, "GET", "session", undefined, { cookie, "x-unattended": unattended });
    await route.fulfill({ json: { ...body, ...said } });
    told?.();
  });
  return (words) => {
    said = words;
    return new Promise((resolve) => (told = resolve));
  };
}
