// The operations manual in the user interface: every page, German and English, for whoever is not signed in; axe on each,
// light and dark, narrow and wide; with a mouse and without.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Box, PEOPLE } from "../lib/box.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { followHelp, manualHeadings, manualPages, shows } from "../lib/help.mjs";
import { House } from "../lib/house.mjs";
import { byKeyboard } from "../lib/keyboard.mjs";

for (const { keyboard = false, ...view } of PEOPLE) {
  const how = keyboard ? "by keyboard alone" : "with a mouse";
  test(`the manual: ${view.locale}, ${how}`, async () => {
    const house = await House.start();
    const browser = await Chromium.start(house, view);
    const language = view.locale.slice(0, 2);
    try {
      const box = new Box(house, await browser.person("Ada"), { keyboard });
      const { page } = box;
      const link = (name) => {
        const found = page.getByTestId("help").getByRole("link", { name, exact: true });
        return keyboard ? byKeyboard(found) : found;
      };
      await page.goto(`${house.url}/help`);
      await link(manualPages(language)[0].title).waitFor();
      await box.check("help");
      for (const { page: topic, title } of manualPages(language)) {
        await link(title).click();
        await shows(page, topic, language);
        const headings = await page.locator("article").locator("h2, h3").allTextContents();
        assert.deepEqual(headings, manualHeadings(language, topic));
        await picturesAreThere(page);
        await box.check(`help ${topic}`);
        await page.getByTestId("help").getByRole("link", { name: all(language) }).click();
        await link(title).waitFor();
      }
      await changeTheLanguage(box, language);
      await fromElsewhere(box);
      await page.goto(`${house.url}/help`);
      await page.locator('a[href="/licenses.txt"]').click();
      await page.getByText("MIT").first().waitFor();
      assert.deepEqual(browser.faults, []);
    } finally {
      await browser.stop();
      await house.stop();
    }
  });
}

const all = (language) => (language === "de" ? "Alle Seiten" : "All pages");

/** Each is loaded when it comes into view, and has the size that was kept free for it. */
async function picturesAreThere(page) {
  for (const picture of await page.locator("article img").all()) {
    await picture.scrollIntoViewIfNeeded();
    await picture.evaluate((image) => image.decode());
    const [real, told] = await picture.evaluate((image) => [
      [image.naturalWidth, image.naturalHeight],
      [Number(image.getAttribute("width")), Number(image.getAttribute("height"))],
    ]);
    assert.deepEqual(told, real);
  }
}

/** The page and the place in it stay. */
async function changeTheLanguage(box, language) {
  const other = language === "de" ? "en" : "de";
  await box.page.goto(`${box.house.url}/help/network#changing-settings`);
  await shows(box.page, "network", language);
  await box.control("language-menu").click();
  await box.page.getByRole("menuitemradio", { name: other === "de" ? "Deutsch" : "English" }).press("Enter");
  await shows(box.page, "network", other);
  assert.equal(new URL(box.page.url()).hash, "#changing-settings");
  await box.page.locator("#changing-settings").waitFor();
  await box.page.goto(`${box.house.url}/help/nothing`);
  await box.page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(await box.page.getByTestId("help").count(), 0);
}

/** From the set-up, and from where the box does not answer. */
async function fromElsewhere(box) {
  await box.page.goto(`${box.house.url}/setup`);
  await box.step("code");
  await (await followHelp(box, box.control("help-link"), "first-meeting")).close();
  await box.page.route("**/api/box/session", (route) => route.abort());
  await box.page.goto(`${box.house.url}/admin`);
  await box.page.getByRole("alert").waitFor();
  await box.check("the administration does not answer");
  const help = await followHelp(box, box.control("help-link"), "troubleshooting");
  await help.locator("#the-administration-does-not-answer:focus").waitFor();
  await help.close();
}
