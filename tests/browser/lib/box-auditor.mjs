// An auditor reads the audit log, saves it, and has it sent to the syslog server.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.mjs";

export async function auditorReads(box, secret) {
  await box.signIn("bob", secret);
  await box.control("audit-chain").waitFor();
  assert.equal(await box.control("audit-chain").getAttribute("data-whole"), "true");
  await box.check("audit log");
  const events = await shown(box);
  for (const event of ["setup_code_wrong", "setup_finished", "sign_in_failed", "account_created", "settings_changed"]) {
    assert.ok(events.includes(event), `${event} is in ${events}`);
  }
}

/** The file is what the command of the manual takes for whole, with the key that the page shows. */
export async function auditorSaves(box) {
  const folder = mkdtempSync(join(tmpdir(), "plenum-audit-"));
  try {
    const file = await box.saved(folder, box.control("audit-save"));
    const key = (await box.control("audit-key").textContent()).trim();
    const plenum = join(process.env.PLENUM_BIN_DIR, "plenum");
    const said = execFileSync(plenum, ["audit", "verify", file, "--key", key], { encoding: "utf8" });
    assert.match(said, /none was changed or left out/);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function auditorForwards(box) {
  const forwarding = (on) => box.page.locator(`[data-testid="audit-copies"][data-forwarding="${on}"]`).waitFor();
  await box.control("audit-forward").click();
  await forwarding(true);
  await box.check("audit log for a server that is not there");
  await box.control("audit-forward-end").click();
  await forwarding(false);
  await box.page.reload();
  await box.control("audit-row").first().waitFor();
  await until("what was done is in it, too", async () => {
    const events = await shown(box);
    return events.includes("audit_saved") && events.filter((event) => event === "audit_forwarded").length === 2;
  });
}

const shown = (box) => box.control("audit-row").evaluateAll((rows) => rows.map((row) => row.dataset.event));
