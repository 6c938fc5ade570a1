// Another machine with another TPM and another version takes the place of the box that box.test.mjs set up, as the manual
// says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Box } from "../lib/box.mjs";
import { machineSuite } from "../lib/machine-suite.mjs";
import { restore } from "../lib/manual-steps.mjs";
import { until } from "../lib/until.mjs";

const suite = machineSuite("en-GB");

test("dm6 a backup is restored without who was deleted since", async () => {
  const { machine, browser } = suite;
  const told = JSON.parse(readFileSync(join(machine.kept, "backup.json"), "utf8"));
  const box = new Box(machine, await browser.person("Ada"));
  await restore(box, "en", told);
  await box.control("mail-save").click();
  await box.step("updates");
  await box.control("update-source-save").click();
  await box.step("test");
  await box.control("test-next").click();
  await box.step("finish");
  await box.noteKey("recovery-key");
  await box.control("setup-finish").click();
  await box.step("over");
  await box.control("to-admin").click();
  await box.signIn("ada@example.org", told.secret);
  await box.area("accounts");
  await box.control("account-row").first().waitFor();
  const accounts = await box.control("account-row").evaluateAll((rows) => rows.map((row) => row.dataset.account));
  assert.deepEqual(accounts, ["ada@example.org"]);
  await box.area("institution");
  await until("the institution is the same", async () =>
    (await box.control("institution-name").inputValue()) === "Unfallversicherung Nord");
  assert.equal(await box.title(told.guestLink), "Browsers");
  assert.match(await machine.shell("cat /usr/lib/os-release"), /VERSION_ID="?0\.1\.1/);
  assert.deepEqual(browser.faults, []);
});
