// The box is set up and administered: with the code on its display, a password and a second factor; axe in
// every state, German and English, light and dark, narrow and wide.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { audit } from "../lib/axe.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";
import { oneTimePassword } from "../lib/one-time-password.mjs";
import { until } from "../lib/until.mjs";

const PASSWORD = "a sentence that is easy to remember";
const VIEWS = [
  { locale: "de-DE", colorScheme: "light", viewport: { width: 1440, height: 900 } },
  { locale: "en-GB", colorScheme: "dark", viewport: { width: 390, height: 844 } },
];

for (const view of VIEWS) {
  test(`set-up, administration and audit: ${view.locale}, ${view.viewport.width} px`, async () => {
    const house = await House.start();
    const browser = await Chromium.start(house, view);
    try {
      const box = new Box(house, await browser.person("Ada"));
      const ada = await box.setUp();
      const bob = await box.administer(ada);
      await box.readAudit(bob);
      assert.deepEqual(browser.faults, []);
    } finally {
      await browser.stop();
      await house.stop();
    }
  });
}

class Box {
  constructor(house, person) {
    Object.assign(this, { house, page: person.page, control: (id) => person.control(id) });
  }

  async check(state) {
    await audit(this.page, state);
    await this.picture(state);
  }

  /** PLENUM_PICTURES names a folder for pictures of every state. */
  async picture(state) {
    const folder = process.env.PLENUM_PICTURES;
    if (!folder) return;
    const { width } = this.page.viewportSize();
    await this.page.screenshot({ path: join(folder, `${width}-${state.replaceAll(/[^a-z0-9]+/g, "-")}.png`), fullPage: true });
  }

  step(name) {
    return this.page.locator(`[data-testid="setup"][data-step="${name}"]`).waitFor();
  }

  async setUp() {
    await this.page.goto(`${this.house.url}/setup`);
    await this.step("code");
    await this.check("setup code");
    await this.control("setup-code").fill("AAAA-AAAA");
    await this.control("setup-open").click();
    await this.control("form-error").waitFor();
    await this.check("wrong setup code");
    await this.control("setup-code").fill(this.house.setup_code.toLowerCase());
    await this.control("setup-open").click();
    await this.step("administrator");
    await this.control("account-create").click();
    await this.control("form-error").waitFor();
    await this.check("administrator without a name");
    // A page that is loaded again goes on where it was.
    await this.page.reload();
    await this.step("administrator");
    await this.check("administrator");
    const secret = await this.account("ada@example.org");
    await this.step("institution");
    await this.control("institution-name").fill("Unfallversicherung Nord");
    await this.control("institution-imprint").fill("nonsense");
    await this.control("institution-save").click();
    await this.control("form-error").waitFor();
    await this.check("institution with a wrong address");
    await this.control("institution-imprint").fill("https://www.example.org/impressum");
    await this.control("institution-save").click();
    await this.step("finish");
    await this.check("finish");
    await this.control("setup-finish").click();
    await this.step("over");
    await this.check("set-up is over");
    return secret;
  }

  /** Fills the form, reads the second factor, and proves that it works. */
  async account(name) {
    await this.control("account-name").fill(name);
    await this.control("account-password").fill(PASSWORD);
    await this.control("account-password-again").fill(PASSWORD);
    await this.control("account-create").click();
    const secret = await this.control("factor-secret").getAttribute("data-secret");
    assert.equal(await this.control("recovery-codes").locator("li").count(), 10);
    await this.check("second factor");
    await this.control("factor-code").fill("000000");
    await this.control("factor-confirm").click();
    await this.control("form-error").waitFor();
    await this.check("wrong code of the second factor");
    await this.control("factor-code").fill(oneTimePassword(secret));
    await this.control("factor-confirm").click();
    // The code has been used; the next one is the device's next half minute.
    return secret;
  }

  async signIn(name, secret) {
    await this.control("sign-in-name").fill(name);
    await this.control("sign-in-password").fill(PASSWORD);
    await this.control("sign-in-button").click();
    await this.control("sign-in-code").waitFor();
    await this.check("sign-in, second factor");
    // The one for the half minute to come is taken as well, and it has not been used.
    await this.control("sign-in-code").fill(oneTimePassword(secret, Date.now() / 1000 + 30));
    await this.control("sign-in-button").click();
    await this.control("admin-console").waitFor();
  }

  async administer(secret) {
    await this.control("to-admin").click();
    await this.control("sign-in-name").waitFor();
    await this.check("sign-in");
    await this.control("sign-in-name").fill("ada@example.org");
    await this.control("sign-in-password").fill("not the password");
    await this.control("sign-in-button").click();
    await this.control("form-error").waitFor();
    await this.check("sign-in, wrong password");
    await this.signIn("ada@example.org", secret);
    await this.control("account-row").first().waitFor();
    await this.control("institution-name").waitFor();
    assert.equal(await this.control("institution-name").inputValue(), "Unfallversicherung Nord");
    await this.check("administration");
    await this.control("account-remove").first().click();
    await this.control("confirm").click();
    await this.control("form-error").waitFor();
    await this.check("the last administrator stays");
    await this.control("account-add").click();
    await this.control("account-role").selectOption("auditor");
    const bob = await this.account("bob");
    await until("there are two accounts", async () => (await this.control("account-row").count()) === 2);
    await this.control("sign-out").click();
    await this.control("sign-in-name").waitFor();
    return bob;
  }

  async readAudit(secret) {
    await this.signIn("bob", secret);
    await this.control("audit-chain").waitFor();
    assert.equal(await this.control("audit-chain").getAttribute("data-whole"), "true");
    await this.check("audit log");
    const events = await this.control("audit-row").evaluateAll((rows) => rows.map((row) => row.dataset.event));
    for (const event of ["setup_code_wrong", "setup_finished", "sign_in_failed", "account_created", "settings_changed"]) {
      assert.ok(events.includes(event), `${event} is in ${events}`);
    }
  }
}
