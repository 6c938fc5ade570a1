// The power is cut in every step of the set-up: it goes on there, with the code that the display shows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Box } from "../lib/box.mjs";
import { machineSuite } from "../lib/machine-suite.mjs";
import { until } from "../lib/until.mjs";

const suite = machineSuite("en-GB");

test("the set-up goes on after a power cut in each step", async () => {
  const { machine, browser } = suite;
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
  await box.pastOpenPoints(box.control("certificate-next"));
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
