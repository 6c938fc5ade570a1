// A person at the box's set-up and administration: fills the pages, and has axe look at every state.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { audit } from "./axe.mjs";
import { PASSWORD } from "./box-api.mjs";
import { MailPage } from "./box-mail.mjs";
import { sign } from "./certificates.mjs";
import { helpOfEveryArea } from "./help.mjs";
import { oneTimePassword } from "./one-time-password.mjs";
import { byKeyboard } from "./keyboard.mjs";
import { logo } from "./picture.mjs";
import { until } from "./until.mjs";

/** Width in pixels, theme. */
export const VIEWS = [
  [1440, "light"],
  [1440, "dark"],
  [390, "dark"],
  [390, "light"],
];

/** Every state is looked at in both themes, wide and narrow. */
export const PEOPLE = [
  { locale: "de-DE", viewport: { width: 1440, height: 900 } },
  { locale: "en-GB", viewport: { width: 390, height: 844 }, keyboard: true },
];

export class Box {
  /** `keyboard`: no mouse is used. */
  constructor(house, person, { keyboard = false } = {}) {
    // The image's clock is set by nobody: no server is asked.
    const timeServers = house.hands ? "" : "time.example.org 192.0.2.123";
    const control = (id) => (keyboard ? byKeyboard(person.control(id)) : person.control(id));
    Object.assign(this, { house, timeServers, page: person.page, control });
  }

  /** In every width and both themes; pages of the image, which are those of the house, as they are. */
  async check(state, views = this.house.hands ? [[this.page.viewportSize().width, undefined]] : VIEWS) {
    const { page } = this;
    const own = page.viewportSize();
    const language = await page.evaluate(() => document.documentElement.lang);
    for (const [width, colorScheme] of views) {
      await page.setViewportSize({ width, height: own.height });
      if (colorScheme) await page.emulateMedia({ colorScheme });
      await audit(page, `${state}, ${width} px, ${colorScheme}, ${language}`);
      await this.picture(`${language}-${width}-${colorScheme}-${state.replaceAll(/[^a-z0-9]+/g, "-")}`);
    }
    await page.setViewportSize(own);
  }

  /** In every width, both themes and both languages. */
  async checkInBoth(state) {
    const own = await this.page.evaluate(() => document.documentElement.lang);
    const other = own === "de" ? "en" : "de";
    for (const language of [own, other]) {
      await this.speak(language);
      await this.check(state);
    }
    await this.speak(own);
  }

  /** Chosen in the menu of every page. */
  async speak(language) {
    if (await this.page.evaluate((language) => document.documentElement.lang === language, language)) return;
    await this.page.getByTestId("language-menu").click();
    await this.page.locator(`[role="menuitemradio"]:has([lang="${language}"])`).click();
    await this.page.locator(`html[lang="${language}"]`).waitFor();
  }

  /** PLENUM_PICTURES names a folder for pictures of every state. */
  async picture(name) {
    const folder = process.env.PLENUM_PICTURES;
    if (folder) await this.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  }

  step(name) {
    return this.pastOpenPoints(this.page.locator(`[data-testid="setup"][data-step="${name}"]`));
  }

  /** Waits for a locator, and goes on past what steps of the set-up leave open: nobody may have set the clock here. */
  async pastOpenPoints(locator) {
    const goOn = this.control("step-go-on");
    await until(`${locator} is there`, async () => {
      if (await locator.isVisible()) return true;
      if (!(await goOn.isVisible())) return false;
      await goOn.click();
      await goOn.waitFor({ state: "detached" });
      return false;
    });
  }

  /** With the code of the display. */
  async enter() {
    await this.page.goto(`${this.house.url}/setup`);
    await this.step("code");
    await this.control("setup-code").fill(this.house.setup_code);
    await this.control("setup-open").click();
  }

  async begin() {
    await this.page.goto(`${this.house.url}/setup`);
    await this.step("code");
    await this.check("setup code");
    await this.control("setup-code").fill("AAAA-AAAA");
    await this.control("setup-open").click();
    await this.control("form-error").waitFor();
    await this.check("wrong setup code");
    await this.control("setup-code").fill(this.house.setup_code.toLowerCase());
    await this.control("setup-open").click();
    await this.step("restore");
    await this.check("new or restored");
  }

  /** `network` does the step in another way. */
  async setUp({ network = () => this.network() } = {}) {
    await this.begin();
    await this.control("restore-fresh").click();
    await this.step("network");
    await this.control("network-save").waitFor();
    await network();
    await this.time();
    await this.step("administrator");
    await this.control("account-create").click();
    await this.control("form-error").waitFor();
    await this.check("administrator without a name");
    // A page that is loaded again goes on where it was.
    await this.page.reload();
    await this.step("administrator");
    await this.check("administrator");
    const secret = await this.account("ada@example.org");
    await this.name();
    await this.step("institution");
    await this.control("institution-name").fill("Unfallversicherung Nord");
    await this.control("institution-imprint").fill("nonsense");
    await this.control("institution-save").click();
    await this.control("form-error").waitFor();
    await this.check("institution with a wrong address");
    await this.control("institution-imprint").fill("https://www.example.org/impressum");
    await this.control("institution-officer").fill("datenschutz@example.org");
    await this.look();
    await this.control("institution-save").click();
    await this.step("mail");
    await this.control("mail-save").waitFor();
    await this.check("mail");
    await this.wrongMailServer();
    await this.control("mail-save").click();
    await this.step("updates");
    await this.control("update-source-save").waitFor();
    await this.check("updates");
    await this.control("update-source-save").click();
    await this.test();
    await this.finish();
    return secret;
  }

  /** A file that is no image is named; logo and colour are seen before they are kept. */
  async look() {
    const choose = (name, mimeType, buffer) => this.control("institution-logo").setInputFiles({ name, mimeType, buffer });
    await choose("logo.svg", "image/svg+xml", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'));
    await this.control("form-error").waitFor();
    await choose("logo.png", "image/png", logo(1_200, 400));
    await this.control("form-error").waitFor({ state: "detached" });
    await this.control("institution-colour").fill("yellow");
    await this.control("institution-save").click();
    await this.control("form-error").waitFor();
    assert.equal(await this.control("institution-colour").getAttribute("aria-invalid"), "true");
    await this.control("institution-colour").fill("#FFE600");
    await until("both previews show the logo", () =>
      this.control("institution-preview").locator("img").evaluateAll((images) =>
        images.length === 2 && images.every((image) => image.naturalWidth === 512)));
    await this.check("institution with logo and colour");
  }

  /** Nobody listens there: the step stays, until it is another one or somebody goes on all the same. */
  async wrongMailServer() {
    await this.control("mail-server").fill("127.0.0.1");
    await this.control("mail-port").fill("1");
    await this.control("mail-sender").fill("plenum@example.org");
    await this.control("mail-save").click();
    await this.control("step-go-on").waitFor();
    await this.page.locator('[data-testid="setup"] li[data-outcome="failed"]').waitFor();
    await this.check("mail server that does not answer");
    await this.control("mail-server").fill("");
    await this.control("step-go-on").waitFor({ state: "detached" });
  }

  /** The box tests itself, the browser the way to it; and a real call. Before that, the step says that it is open. */
  async test() {
    await this.step("test");
    await this.control("test-next").click();
    await this.control("step-go-on").waitFor();
    await this.check("set-up with open points");
    await this.control("self-test-run").click();
    await this.page.locator('[data-testid="self-test"][data-state="done"]').waitFor();
    const found = await this.control("self-test").locator("li").evaluateAll((rows) =>
      rows.map((row) => `${row.dataset.outcome} ${row.textContent.replaceAll(/\s+/g, " ").trim()}`));
    await this.check("self-test");
    assert.equal(found.length, 13, found.join("\n"));
    assert.deepEqual(found.filter((line) => line.startsWith("failed")), []);
    // The last two are the calls of the browser: over UDP, and over TURN/TLS.
    for (const line of found.slice(-2)) assert.ok(line.startsWith("good"), line);
    await this.control("test-call-begin").click();
    await this.page.locator('[data-testid="test-call"][data-state="seen"]').waitFor();
    await until("the own picture comes back", () =>
      this.control("test-call-back").evaluate((video) => video.videoWidth > 0 && video.currentTime > 0.3));
    await this.check("test call");
    await this.control("test-call-end").click();
    assert.equal(await this.control("step-go-on").count(), 0, "nothing is left open");
    await this.control("test-next").click();
  }

  async finish() {
    await this.step("finish");
    if (this.house.hands) this.recoveryKey = await this.noteKey("recovery-key");
    this.backupKey = await this.noteKey("backup-key");
    await this.control("box-host-key-show").click();
    await this.control("box-host-key").waitFor();
    this.hostKey = await this.control("box-host-key").inputValue();
    assert.ok(this.hostKey.length >= 24);
    await this.check("finish");
    await this.control("setup-finish").click();
    await this.step("over");
    await this.check("set-up is over");
  }

  /** A wrong address is named; new settings apply, and are kept once they are confirmed. */
  async network() {
    await this.check("network");
    await this.control("network-ipv4-static").check();
    await this.control("network-ipv4-address").fill("192.0.2.0/24");
    await this.control("network-save").click();
    await this.control("form-error").waitFor();
    await this.check("network with a wrong address");
    await this.control("network-ipv4-automatic").check();
    await this.control("setup").locator("details summary").click();
    await this.control("network-public").fill("127.0.0.1");
    await this.control("network-save").click();
    await this.control("form-error").waitFor();
    await this.check("network with a wrong public address");
    await this.control("network-public").fill("203.0.113.10");
    await this.control("network-dns").fill("192.0.2.53, 2001:db8::53");
    await this.control("network-save").click();
    await this.control("network-trial").waitFor();
    await this.check("network on trial");
    await this.control("network-keep").click();
  }

  async time() {
    await this.step("time");
    await this.control("clock").waitFor();
    await this.check("time");
    // It goes back, and on again, also after the page was loaded anew.
    await this.control("setup-back").click();
    await this.step("network");
    await this.page.reload();
    await this.step("network");
    await this.control("network-save").click();
    await this.step("time");
    await this.control("time-servers").fill(this.timeServers);
    await this.control("time-save").click();
  }

  async name() {
    await this.step("name");
    await this.control("host-name").fill("localhost");
    await this.control("host-save").click();
    await this.control("form-error").waitFor();
    await this.check("name that no box has");
    await this.control("host-name").fill("");
    await this.control("host-save").click();
    await this.pastOpenPoints(this.control("certificate-shown"));
    await this.check("certificate of the box itself");
    await this.control("acme-begin").click();
    await this.control("acme-save").click();
    await this.control("form-error").waitFor();
    await this.check("automatic certificate for a box without a name");
    await this.control("certificate-next").click();
  }

  /** The box's request, signed by an authority that the browser trusts; the pages show it without a restart. */
  async certificate() {
    await this.area("name");
    await this.control("certificate-shown").waitFor();
    const before = await this.control("certificate-shown").textContent();
    await this.control("certificate-request-begin").click();
    await this.control("certificate-names").fill(new URL(this.house.url).hostname);
    await this.check("request for a certificate");
    await this.control("certificate-ask").click();
    await this.control("certificate-request").waitFor();
    const first = await this.control("certificate-request").inputValue();
    await this.control("certificate-request-begin").click();
    await this.control("certificate-ask").click();
    await this.check("another request while one waits");
    await this.control("confirm").click();
    const waiting = () => this.control("certificate-request").inputValue();
    await until("there is another request", async () => (await waiting()) !== first);
    const request = await waiting();
    await this.control("certificate-upload-begin").click();
    await this.control("certificate-chain").fill(request);
    await this.control("certificate-upload").click();
    await this.control("form-error").waitFor();
    await this.check("certificate that is none");
    await this.control("certificate-chain").fill(sign(request, this.house.ca_file));
    await this.control("certificate-upload").click();
    await until("the pages show the new certificate", async () => {
      const shown = await this.control("certificate-shown").textContent();
      return shown !== before && (await this.control("certificate-request").count()) === 0;
    });
    await this.check("certificate of the institution");
  }

  /** The first value comes after a minute; until then, and without one, the page says so. */
  async history() {
    await this.area("history");
    await this.control("graph").first().waitFor();
    assert.equal(await this.control("graph").count(), 6);
    const graph = (id) => this.page.locator(`[data-testid="graph"][data-graph="${id}"]`);
    await graph("cpu").locator("svg path").waitFor({ state: "attached", timeout: 90_000 });
    for (const range of ["week", "month", "day"]) {
      await this.control(`history-${range}`).check();
      await graph("disk").locator("svg path").waitFor({ state: "attached" });
    }
    await graph("network").locator("summary").click();
    await graph("network").locator("tbody tr").first().waitFor();
    await this.check("history");
    await this.control("metrics-open").click();
    await this.page.locator('[data-testid="metrics-access"][data-open="true"]').waitFor();
    const authorization = `Bearer ${await this.control("metrics-token").inputValue()}`;
    const { status, body } = await fetchText(`${this.house.url}/api/box/metrics`, this.house.ca_file, { authorization });
    assert.equal(status, 200);
    for (const daemon of ["sfu", "signaling", "turn", "web", "appliance"]) {
      assert.ok(body.includes(`\nprocess_open_fds{daemon="${daemon}"} `), `${daemon} is in ${body}`);
    }
    assert.equal(body.split("# EOF\n").length, 2);
    await this.check("metrics are open");
    await this.control("metrics-open").click();
    await this.check("another token for the metrics");
    await this.control("cancel").click();
    await this.control("metrics-close").click();
    await this.check("closing the metrics");
    await this.control("confirm").click();
    await this.page.locator('[data-testid="metrics-access"][data-open="false"]').waitFor();
  }

  async logs() {
    await this.area("logs");
    await this.control("support-collect").click();
    await this.control("support-save").waitFor();
    const bundle = await this.control("support").textContent();
    for (const secret of ["ada@example.org", this.backupKey, PASSWORD, this.hostKey]) {
      assert.ok(!bundle.includes(secret), `the bundle says ${secret}`);
    }
    assert.ok(bundle.includes('"host_name"') && bundle.includes("plenum_sfu"), bundle.slice(0, 2_000));
    await this.check("diagnostics bundle");
    await this.control("syslog-server").fill("no server");
    await this.control("syslog-save").click();
    await this.control("form-error").waitFor();
    await this.check("logs to what is no server");
    // Nobody listens there.
    await this.control("syslog-server").fill("127.0.0.1");
    await this.control("syslog-save").click();
    const shown = this.control("syslog-state");
    await until("why nothing is sent is shown", async () => (await shown.textContent()).includes("127.0.0.1 port 6514"));
    await this.check("logs to a server that is not there");
    await this.control("syslog-server").fill("");
    await this.control("syslog-save").click();
    await shown.waitFor({ state: "detached" });
    // For the auditor.
    await this.control("syslog-server").fill("127.0.0.1");
    await this.control("syslog-save").click();
    await shown.waitFor();
  }

  async area(name) {
    await this.control(`area-${name}`).click();
    await this.page.locator(`[data-testid="admin-console"][data-area="${name}"]`).waitFor();
  }

  /** It is shown until somebody types how it ends. */
  async noteKey(id) {
    const shown = this.control(id);
    const key = (await shown.getByTestId("key-text").textContent()).trim();
    await this.check(id);
    await shown.getByTestId("key-last").fill("aaaaaaaa");
    await shown.getByTestId("key-noted").click();
    await this.control("form-error").waitFor();
    await shown.getByTestId("key-last").fill(key.split("-").at(-1));
    await shown.getByTestId("key-noted").click();
    await shown.waitFor({ state: "detached" });
    return key;
  }

  /** Of a button that makes the browser save something: the file's path in `folder`. */
  async saved(folder, button) {
    const [download] = await Promise.all([this.page.waitForEvent("download"), button.click()]);
    const path = join(folder, download.suggestedFilename());
    await download.saveAs(path);
    return path;
  }

  /** Makes a backup in the administration; gives the file. */
  async backUp(folder) {
    await this.area("backup");
    await this.control("backup-row").first().waitFor();
    const before = await this.control("backup-row").count();
    await this.control("backup-make").click();
    await until("there is one more", async () => (await this.control("backup-row").count()) > before);
    await this.control("backup-test").first().click();
    await this.control("backup-test-result").waitFor();
    await this.check("backups");
    return await this.saved(folder, this.control("backup-download").first());
  }

  /** What a link leads to, asked by the page; undefined: nowhere. */
  title(hash) {
    return this.page.evaluate(async (link) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch("/api/link", { method: "POST", headers, body: JSON.stringify({ link }) });
      return answer.ok ? (await answer.json()).title : undefined;
    }, hash.slice(1));
  }

  /** In the set-up of another box, up to its network. */
  async restore({ backup, deletions, key }) {
    await this.begin();
    await this.control("restore-begin").click();
    await this.check("restore");
    await this.control("restore-go").click();
    await this.check("restore without a file");
    await this.control("restore-file").setInputFiles(backup);
    await this.control("restore-key").fill("A".repeat(32));
    await this.control("restore-go").click();
    await this.control("form-error").waitFor();
    await this.check("restore with a wrong key");
    await this.control("restore-key").fill(key.toLowerCase());
    await this.control("restore-deletions").setInputFiles(deletions);
    await this.control("restore-go").click();
    await this.control("restored").waitFor();
    await this.check("restored");
    await this.control("restore-next").click();
    await this.step("network");
  }

  /** Fills the form, reads the second factor, and proves that it works. */
  async fillAccount(name) {
    await this.control("account-name").fill(name);
    await this.control("account-password").fill(PASSWORD);
    await this.control("account-password-again").fill(PASSWORD);
  }

  /** Gives the secret. */
  async fillFactor() {
    const secret = await this.control("factor-secret").getAttribute("data-secret");
    await this.control("factor-code").fill(firstCode(secret));
    return secret;
  }

  async account(name) {
    await this.fillAccount(name);
    await this.control("account-create").click();
    return await this.factor();
  }

  /** A new second factor is shown: a wrong code of it, and the right one. Keeps one of its emergency codes. */
  async factor() {
    const secret = await this.control("factor-secret").getAttribute("data-secret");
    const emergency = await this.control("recovery-codes").locator("li").allTextContents();
    assert.equal(emergency.length, 10);
    this.emergencyCode = emergency[0];
    await this.check("second factor");
    await this.control("factor-code").fill("000000");
    await this.control("factor-confirm").click();
    await this.control("form-error").waitFor();
    await this.check("wrong code of the second factor");
    await this.control("factor-code").fill(firstCode(secret));
    await this.control("factor-confirm").click();
    // The code has been used; the next one is the device's next half minute.
    return secret;
  }

  /** Waits for one that has not been used. */
  code(secret) {
    return freshCode(secret, this.house.hands ? BEHIND : 0);
  }

  async signIn(name, secret) {
    await this.control("sign-in-name").fill(name);
    await this.control("sign-in-password").fill(PASSWORD);
    await this.control("sign-in-button").click();
    await this.control("sign-in-code").waitFor();
    await this.check("sign-in, second factor");
    await this.control("sign-in-code").fill(await this.code(secret));
    await this.control("sign-in-button").click();
    await this.control("admin-console").waitFor();
  }

  /** `mail`: a mail server, if there is one. */
  async administer(secret, mail) {
    await this.control("to-admin").click();
    await this.control("sign-in-name").waitFor();
    await this.check("sign-in");
    await this.control("sign-in-name").fill("ada@example.org");
    await this.control("sign-in-password").fill("not the password");
    await this.control("sign-in-button").click();
    await this.control("form-error").waitFor();
    await this.check("sign-in, wrong password");
    await this.signIn("ada@example.org", secret);
    await this.control("overview").getByRole("definition").first().waitFor();
    await this.check("overview");
    await helpOfEveryArea(this);
    await this.history();
    await this.area("network");
    await this.control("network-dns").waitFor();
    await until("the DNS servers were kept", async () => {
      return (await this.control("network-dns").inputValue()) === "192.0.2.53 2001:db8::53";
    });
    await this.check("network of a box that is set up");
    await this.certificate();
    if (mail) await new MailPage(this).tryOut(mail);
    await this.area("time");
    await until("the time servers were kept", async () => {
      return (await this.control("time-servers").inputValue()) === "time.example.org 192.0.2.123";
    });
    await this.area("updates");
    await this.control("update").getByRole("paragraph").first().waitFor();
    await this.control("update-source").fill("http://updates.example.org");
    await this.control("update-source-save").click();
    await this.control("form-error").waitFor();
    await this.check("updates from a wrong source");
    await this.control("update-source").fill("https://updates.example.org/plenum");
    await this.control("update-window").fill("01:00-03:30");
    await this.control("update-source-save").click();
    await this.control("form-error").waitFor({ state: "detached" });
    await this.logs();
    await this.area("institution");
    await this.control("institution-name").waitFor();
    assert.equal(await this.control("institution-name").inputValue(), "Unfallversicherung Nord");
    assert.equal(await this.control("institution-colour").inputValue(), "#ffe600");
    await this.check("institution");
    const mark = this.control("institution-mark").locator("img");
    await this.control("institution-logo-remove").click();
    await this.control("institution-logo-keep").waitFor();
    await this.check("institution whose logo goes");
    await this.control("institution-logo-keep").click();
    await this.control("institution-save").click();
    await this.control("toast").first().waitFor();
    assert.equal(await mark.count(), 1, "it stays");
    await this.control("institution-logo-remove").click();
    await this.control("institution-save").click();
    await mark.waitFor({ state: "detached" });
    await this.area("accounts");
    await this.control("account-row").first().waitFor();
    await this.check("accounts");
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
}

/** Half minutes whose codes have been used, by secret: a box that was restored remembers them, too. */
const used = new Map();

/** Of the half minute that runs. */
function firstCode(secret) {
  used.set(secret, Math.floor(Date.now() / 30_000));
  return oneTimePassword(secret);
}

/** The clock of an emulated machine may be behind by so much. */
const BEHIND = 5_000;

/** The code for the half minute to come is taken as well: one that has not been used. */
async function freshCode(secret, behind) {
  const next = () => Math.floor((Date.now() - behind) / 30_000) + 1;
  await until("there is a code that has not been used", () => next() > (used.get(secret) ?? 0), 35_000);
  used.set(secret, next());
  return oneTimePassword(secret, next() * 30);
}

/** Another suite has just signed in with it. */
export function signedInBefore(secret) {
  used.set(secret, Math.floor(Date.now() / 30_000) + 1);
}

/** As a monitoring system asks, which is no browser. */
function fetchText(url, authority, headers) {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, ca: readFileSync(authority) }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (piece) => (body += piece));
      answer.on("end", () => resolve({ status: answer.statusCode, body }));
    });
    asked.on("error", reject);
    asked.end();
  });
}
