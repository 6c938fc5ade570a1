// The box is set up and administered: with the code on its display, a password and a second factor; axe in
// every state, German and English, light and dark, narrow and wide; with a mouse and without.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { Box } from "../lib/box.mjs";
import { call, setUp, signIn } from "../lib/box-api.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";
import { MailServer } from "../lib/mail-server.mjs";
import { logo } from "../lib/picture.mjs";
import { until } from "../lib/until.mjs";

/** Every state is looked at in both themes, wide and narrow. */
const PEOPLE = [
  { locale: "de-DE", viewport: { width: 1440, height: 900 } },
  { locale: "en-GB", viewport: { width: 390, height: 844 }, keyboard: true },
];

for (const { keyboard = false, ...view } of PEOPLE) {
  const how = keyboard ? "by keyboard alone" : "with a mouse";
  test(`set-up, administration and audit: ${view.locale}, ${how}`, async () => {
    const house = await House.start();
    const mail = await MailServer.start();
    const browser = await Chromium.start(house, view);
    try {
      const box = new Box(house, await browser.person("Ada"), { keyboard });
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

test("dm6 a box takes the place of another, and what was deleted stays deleted", async () => {
  const folder = mkdtempSync(join(tmpdir(), "plenum-backup-"));
  const [first, second] = [await House.start(), await House.start()];
  const browsers = [await Chromium.start(first, PEOPLE[0]), await Chromium.start(second, PEOPLE[0])];
  try {
    const old = new Box(first, await browsers[0].person("Ada"));
    const ada = await old.setUp();
    await old.control("to-admin").click();
    await old.control("sign-in-name").waitFor();
    await old.signIn("ada@example.org", ada);
    await old.area("accounts");
    await old.control("account-add").click();
    await old.account("carl");
    await until("carl is there", async () => (await old.control("account-row").count()) === 2);
    const backup = await old.backUp(folder);
    await old.area("accounts");
    await old.page.locator('[data-account="carl"]').getByTestId("account-remove").click();
    await old.control("confirm").click();
    await until("carl is gone", async () => (await old.control("account-row").count()) === 1);
    await old.area("backup");
    await until("backups with carl are gone from the box", async () => {
      await old.page.reload();
      await old.control("backup-row").first().waitFor();
      return !(await old.control("backup-row").evaluateAll((rows) => rows.map((row) => row.dataset.name))).includes(basename(backup));
    });
    const deletions = await old.saved(folder, old.control("backup-deletions"));
    assert.ok(!readFileSync(backup, "latin1").includes("carl"));

    const fresh = new Box(second, await browsers[1].person("Ada"));
    await fresh.restore({ backup, deletions, key: old.backupKey });
    // The network of the other box is proposed, and applies once somebody says so.
    await until("its DNS servers are proposed", async () =>
      (await fresh.control("network-dns").inputValue()) === "192.0.2.53 2001:db8::53");
    await fresh.control("network-save").click();
    await fresh.control("network-trial").waitFor();
    await fresh.control("network-keep").click();
    await fresh.step("mail");
    await fresh.control("mail-save").click();
    await fresh.step("updates");
    await fresh.control("update-source-save").click();
    await fresh.step("test");
    await fresh.control("test-next").click();
    await fresh.step("finish");
    await fresh.control("box-host-key-show").click();
    assert.equal(await fresh.control("box-host-key").inputValue(), first.hostKey);
    await fresh.control("setup-finish").click();
    await fresh.step("over");
    await fresh.control("to-admin").click();
    await fresh.control("sign-in-name").waitFor();
    await fresh.signIn("ada@example.org", ada);
    await fresh.area("accounts");
    await fresh.control("account-row").first().waitFor();
    assert.equal(await fresh.control("account-row").count(), 1);
    await fresh.area("institution");
    await until("the institution is the same", async () =>
      (await fresh.control("institution-name").inputValue()) === "Unfallversicherung Nord");
    await until("its logo, too", () =>
      fresh.control("institution-mark").locator("img").evaluate((image) => image.naturalWidth === 512));
    // Links that were given out go on leading to their rooms, at the other box.
    const { hash } = new URL(first.guestLink);
    const there = await old.title(hash);
    assert.ok(there);
    assert.equal(await fresh.title(hash), there);
    for (const browser of browsers) assert.deepEqual(browser.faults, []);
  } finally {
    for (const browser of browsers) await browser.stop();
    for (const house of [first, second]) await house.stop();
    rmSync(folder, { recursive: true });
  }
});
