// The power is cut in every step of the set-up: it goes on there, with the code that the display shows.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Box } from "../lib/box.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { Machine } from "../lib/machine.mjs";
import { until } from "../lib/until.mjs";

/** The machine is emulated. */
const LIMIT = 120_000;

let machine;
let browser;

before(async () => {
  machine = await Machine.join();
  await machine.readSetupCode();
  browser = await Chromium.start(machine, { locale: "en-GB", viewport: { width: 1440, height: 900 } });
  browser.context.setDefaultTimeout(LIMIT);
});

after(async () => {
  await browser?.stop();
  machine?.stop();
});

test("the set-up goes on after a power cut in each step", async () => {
  const box = new Box(machine, await browser.person("Ada"));
  const code = machine.setup_code;
  const at = (step) => {
    return async () => {
      await box.step(step);
      await machine.cut();
      await machine.readSetupCode();
      assert.equal(machine.setup_code, code, "the code is the same one");
      await box.enter();
      await box.step(step);
      console.error(`${step}: goes on`);
    };
  };
  await box.begin();
  await at("restore")();
  await box.control("restore-fresh").click();
  await at("network")();
  await box.control("network-save").click();
  await at("time")();
  await box.control("time-save").click();
  await at("administrator")();
  const secret = await box.account("ada@example.org");
  await at("name")();
  await box.control("host-save").click();
  await box.control("certificate-next").click();
  await at("institution")();
  await box.control("institution-name").fill("Unfallversicherung Nord");
  await box.control("institution-save").click();
  await at("mail")();
  await box.control("mail-save").click();
  await at("updates")();
  await box.control("update-source-save").click();
  await at("test")();
  await box.control("test-next").click();
  await at("finish")();
  await box.noteKey("recovery-key");
  await at("finish")();
  await box.noteKey("backup-key");
  await box.control("setup-finish").click();
  await box.step("over");
  await machine.cut();
  await box.page.goto(`${machine.url}/admin`);
  await box.control("sign-in-name").waitFor();
  await box.signIn("ada@example.org", secret);
  await box.area("institution");
  await until("the institution was kept", async () =>
    (await box.control("institution-name").inputValue()) === "Unfallversicherung Nord");
});
