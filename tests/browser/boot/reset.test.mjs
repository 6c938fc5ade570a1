// An administrator deletes everything on the box with a browser, as the manual says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Box, signedInBefore, VIEWS } from "../lib/box.mjs";
import { machineSuite } from "../lib/machine-suite.mjs";
import { NAME, resetToFactory } from "../lib/manual-steps.mjs";

/** Which box it is: another one after a factory reset. */
const OWN_AUTHORITY = "sha256sum /var/lib/plenum/web/ca.pem";

const suite = machineSuite("en-GB", { setUp: false });

test("a factory reset in the browser, by the manual", async () => {
  const { machine, browser } = suite;
  const told = JSON.parse(readFileSync(join(machine.kept, "english.json"), "utf8"));
  const box = new Box(machine, await browser.person("Ada"));
  signedInBefore(told.secret);
  const before = await machine.shell(OWN_AUTHORITY);
  await box.page.goto(`${machine.url}/admin`);
  await box.signIn(NAME, told.secret);
  await resetToFactory(box, "en", told, async () => {
    // No house shows it: all views are looked at here.
    await box.check("factory reset", VIEWS);
    const order = async (name, password) => {
      await box.control("factory-reset-name").fill(name);
      await box.control("factory-reset-password").fill(password);
      await box.control("factory-reset-code").fill("000000");
      await box.control("factory-reset-go").click();
      await box.control("form-error").waitFor();
    };
    await order("another", "not the password");
    assert.equal(await box.control("factory-reset-name").getAttribute("aria-invalid"), "true");
    await order("plenum", "not the password");
    assert.equal(await box.control("factory-reset-password").getAttribute("aria-invalid"), "true");
    await box.check("factory reset that is refused", VIEWS);
  });
  await box.check("factory reset that is ordered", VIEWS);
  await machine.restarted();
  await machine.readSetupCode();
  assert.notEqual(await machine.shell(OWN_AUTHORITY), before);
});
