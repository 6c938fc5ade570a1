// Every page shows whose box it is: logo, colour and words of the institution.

import assert from "node:assert/strict";
import { test } from "node:test";
import { call, setUp, signIn } from "../lib/box-api.mjs";
import { Box, PEOPLE } from "../lib/box.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";
import { logo } from "../lib/picture.mjs";
import { until } from "../lib/until.mjs";

test("every page shows whose box it is, and none waits for it", async () => {
  const house = await House.start();
  const institution = {
    name: "Unfallversicherung Nord",
    imprint: "https://www.example.org/impressum",
    privacy: "https://www.example.org/datenschutz",
    data_protection_officer: "datenschutz@example.org",
    colour: "#ffe600",
  };
  const secret = await setUp(house, "ada", { institution });
  const browser = await Chromium.start(house, { viewport: PEOPLE[0].viewport });
  try {
    const person = await browser.person("Ada");
    const { page } = person;
    // Without an answer everything is where it is with one; with a name and nothing else nothing has moved.
    const places = () => page.locator("header, main, h1, form").evaluateAll((all) => all.map((it) => JSON.stringify(it.getBoundingClientRect())));
    await page.route("**/api/box/institution", (route) => route.abort());
    await page.goto(house.url);
    await page.getByRole("heading", { level: 1 }).waitFor();
    const without = await places();
    assert.equal(await token(page, "--accent"), "", "it has the colour of Plenum");
    await page.unroute("**/api/box/institution");
    await page.reload();
    await person.control("imprint").waitFor();
    assert.deepEqual(await places(), without);

    const session = await signIn(house, "ada", secret);
    const put = { revision: 1, logo: logo(400, 160).toString("base64") };
    const { body } = await call(house, "PUT", "institution/logo", put, session);
    await page.reload();
    const mark = person.control("institution-mark").locator("img");
    await until("the start page shows the logo", () => mark.evaluate((image) => image.naturalWidth === 400));
    assert.equal(await mark.getAttribute("alt"), institution.name);
    assert.ok((await mark.getAttribute("src")).endsWith(body.logo), "its address names it");
    assert.ok((await mark.boundingBox()).height <= 40);
    const links = await person.control("imprint").getByRole("link").evaluateAll((all) => all.map((link) => link.href));
    assert.deepEqual(links, [institution.imprint, institution.privacy, "mailto:datenschutz@example.org"]);
    const box = new Box(house, person);
    await box.check("start page in yellow");
    // What the tab knows already is there with the first picture, though the box is silent.
    await page.route("**/api/box/institution", (route) => route.abort());
    await page.goto(house.guestLink);
    await person.control("name-input").waitFor();
    await until("the join page shows the logo", () => mark.evaluate((image) => image.naturalWidth === 400));
    const [light, dark] = [await shades(page, "light"), await shades(page, "dark")];
    assert.equal(dark.button, "rgb(255, 230, 0)", "yellow on dark is readable as it is");
    assert.notEqual(light.button, dark.button);
    for (const [theme, { button, words }] of Object.entries({ light, dark })) {
      const found = contrast(button, words);
      assert.ok(found >= 4.5, `${theme}: ${words} on ${button} has ${found}`);
    }
    await page.emulateMedia({ colorScheme: "light" });
    await box.check("join page in yellow");
    await person.control("name-input").fill("Ada");
    await person.control("join-button").click();
    await person.control("leave-button").waitFor();
    assert.equal(await mark.count(), 1, "the room has it, too");
    await box.check("room in yellow");
    await person.control("leave-button").click();
    const leave = person.control("leave-meeting");
    if (await leave.count()) await leave.click();
    await person.control("notice").waitFor();
    await mark.waitFor();
    await box.check("end page in yellow");
    const { headers } = await call(house, "GET", "session");
    assert.equal(headers["set-cookie"], undefined);
    assert.deepEqual(await page.context().cookies(), []);
    assert.deepEqual(browser.faults, []);
  } finally {
    await browser.stop();
    await house.stop();
  }
});

function token(page, name) {
  return page.evaluate((name) => document.documentElement.style.getPropertyValue(name), name);
}

/** Of the join button. */
async function shades(page, colorScheme) {
  await page.emulateMedia({ colorScheme });
  return await page.getByTestId("join-button").evaluate(async (element) => {
    await Promise.allSettled(element.getAnimations().map((animation) => animation.finished));
    const { backgroundColor, color } = getComputedStyle(element);
    return { button: backgroundColor, words: color };
  });
}

/** WCAG 2.2, of two colours as `rgb(…)`. */
function contrast(...colours) {
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminances = colours.map((colour) => {
    const [red, green, blue] = colour.match(/\d+/g).map((value) => linear(value / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  });
  return Math.max(...luminances) / Math.min(...luminances);
}
