// The booted image is set up by a real browser with the code on its display, and a network that nobody confirms is
// taken back.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Box } from "../lib/box.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { Machine } from "../lib/machine.mjs";
import { backUp } from "../lib/manual-steps.mjs";
import { until } from "../lib/until.mjs";

/** The machine is emulated, and a network on trial lasts a minute. */
const LIMIT = 120_000;

let machine;
let browser;

before(async () => {
  machine = await Machine.join();
});

after(async () => {
  await browser?.stop();
  machine?.stop();
});

test("set-up with what the display shows", async () => {
  await machine.readSetupCode();
  await machine.shows("address of the set-up", (shown) => /https:\/\/[0-9.]+\/setup/.test(shown));
  // Four lines of eight bytes.
  const LINE = /(?:[0-9A-F]{2}:){7}[0-9A-F]{2}/g;
  await machine.shows("fingerprint of the certificate", (shown) => shown.match(LINE)?.length === 4);
  browser = await Chromium.start(machine, { locale: "de-DE", viewport: { width: 1440, height: 900 } });
  browser.context.setDefaultTimeout(LIMIT);
  const box = new Box(machine, await browser.person("Ada"));
  const secret = await box.setUp({ network: () => wrongNetwork(box) });
  const code = machine.setup_code;
  await machine.shows("end of the set-up", (shown) => !shown.includes(code));
  await box.control("to-admin").click();
  await box.signIn("ada@example.org", secret);
  await box.control("overview").getByRole("definition").first().waitFor();
  await box.check("overview of the image");
  await box.area("logs");
  await until("the logs of the box are shown", async () =>
    Number(await box.control("logs").getAttribute("data-lines")) > 20, LIMIT);
  const lines = await box.control("logs").textContent();
  assert.ok(lines.includes("plenum-appliance") && !lines.includes("ada@example.org"), lines.slice(0, 2_000));
  await box.check("logs of the image");
  await keepBackup(box, secret);
});

/** For another box: a backup, and the list of deletions after somebody in it was removed. */
async function keepBackup(box, secret) {
  await box.area("accounts");
  await box.control("account-add").click();
  await box.account("carl");
  await until("carl is there", async () => (await box.control("account-row").count()) === 2, LIMIT);
  const { backup } = await backUp(box, "de", machine.kept);
  await box.area("accounts");
  await box.page.locator('[data-account="carl"]').getByTestId("account-remove").click();
  await box.control("confirm").click();
  await until("carl is gone", async () => (await box.control("account-row").count()) === 1, LIMIT);
  // Somebody was removed: fetched anew, as the manual says.
  await box.area("backup");
  await box.control("backup-row").first().waitFor();
  const deletions = await box.saved(machine.kept, box.control("backup-deletions"));
  const guestLink = new URL(machine.guestLink).hash;
  const told = { backup, deletions, key: box.backupKey, secret, guestLink };
  writeFileSync(join(machine.kept, "backup.json"), JSON.stringify(told));
}

/** A VLAN on a bond of both cards, with an address of another network: the browser loses the box, and finds it again. */
async function wrongNetwork(box) {
  const ports = box.control("network-port");
  await ports.first().waitFor();
  assert.equal(await ports.count(), 2);
  for (const port of await ports.all()) await port.check();
  await box.page.locator("details summary").click();
  await box.control("network-bond").selectOption("active_backup");
  await box.control("network-vlan").fill("42");
  await box.control("network-ipv4-static").check();
  await box.control("network-ipv4-address").fill("192.0.2.99/24");
  await box.control("network-save").click();
  await box.control("network-trial").waitFor();
  await box.check("network of the image on trial");
  await until("a VLAN on a bond has the address", async () => {
    const links = await machine.shell("ip -details address");
    return /plenum-bond: .*\n.*\n.*bond mode active-backup/.test(links) && /vlan protocol 802.1Q id 42/.test(links)
      && links.includes("192.0.2.99/24");
  }, LIMIT);
  // Nobody confirms: the form is there again once the box answers. It may do so before the last of its links has gone.
  await box.control("network-save").waitFor();
  await until("the wrong address is gone", async () => !(await machine.shell("ip address")).includes("192.0.2.99"));
  // networkd deletes neither of them: without addresses and switched off they do no harm.
  await until("VLAN and bond are off", async () => {
    const left = (await machine.shell("ip -brief address")).split("\n").filter((line) => /^(plenum-|vlan)/.test(line));
    return left.length === 2 && left.every((line) => /^\S+ +DOWN *$/.test(line.trim()));
  }, LIMIT);
  assert.equal(await ports.first().isChecked(), false);
  await box.control("network-save").click();
}
