// The box is set up and administered: with the code on its display, a password and a second factor; axe in
// every state, German and English, light and dark, narrow and wide; with a mouse and without.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { Box, PEOPLE } from "../lib/box.mjs";
import { auditorForwards, auditorReads, auditorSaves } from "../lib/box-auditor.mjs";
import { renewSecondFactor } from "../lib/box-factor.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";
import { MailServer } from "../lib/mail-server.mjs";
import { until } from "../lib/until.mjs";

for (const { keyboard = false, ...view } of PEOPLE) {
  const how = keyboard ? "by keyboard alone" : "with a mouse";
  test(`set-up, administration and audit: ${view.locale}, ${how}`, async () => {
    const house = await House.start();
    let mail;
    let browser;
    try {
      mail = await MailServer.start();
      browser = await Chromium.start(house, view);
      const box = new Box(house, await browser.person("Ada"), { keyboard });
      const ada = await box.setUp();
      const bob = await box.administer(ada, mail);
      await auditorReads(box, bob);
      await auditorSaves(box);
      await renewSecondFactor(box);
      await auditorForwards(box);
      assert.deepEqual(browser.faults, []);
    } finally {
      await browser?.stop();
      await mail?.stop();
      await house.stop();
    }
  });
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
