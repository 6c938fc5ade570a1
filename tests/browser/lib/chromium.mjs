// Real Chromium with fake devices, trusting the house's own certificate.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { instrument } from "./instrument.mjs";
import { Person } from "./person.mjs";
import { writeTone } from "./tone.mjs";

const FLAGS = [
  "--use-fake-ui-for-media-stream",
  "--auto-select-desktop-capture-source=Entire screen",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

const FAKE_DEVICES = "--use-fake-device-for-media-stream";

export class Chromium {
  /**
   * @param {{ ca_file: string }} house
   * @param {{ locale?: string, colorScheme?: "light" | "dark", viewport?: { width: number, height: number },
   *           fps?: number, hertz?: number, devices?: boolean, wrapper?: string, flags?: string[],
   *           authorities?: string[] }} options `authorities`: files of more that it trusts
   */
  static async start(house, options = {}) {
    const profile = mkdtempSync(join(tmpdir(), "plenum-chromium-"));
    trust(profile, [house.ca_file, ...(options.authorities ?? [])]);
    const fps = options.fps ?? 20;
    const tone = `--use-file-for-fake-audio-capture=${writeTone(join(profile, "tone.wav"), options.hertz)}`;
    const devices = options.devices === false ? [] : [`${FAKE_DEVICES}=fps=${fps}`, tone];
    const context = await chromium.launchPersistentContext(join(profile, "profile"), {
      executablePath: options.wrapper ?? "/usr/bin/chromium",
      headless: true,
      args: [...FLAGS, ...devices, ...(options.flags ?? [])],
      env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: join(profile, "config"), ...options.env },
      locale: options.locale ?? "en-GB",
      colorScheme: options.colorScheme ?? "light",
      viewport: options.viewport ?? { width: 1280, height: 720 },
    });
    await context.addInitScript(instrument);
    return new Chromium(context, profile, house);
  }

  constructor(context, profile, house) {
    Object.assign(this, { context, profile, house, faults: [] });
    context.on("page", (page) => this.#guard(page));
    for (const page of context.pages()) this.#guard(page);
  }

  /** A further person in this browser: a tab of its own. */
  async person(name) {
    const pages = this.context.pages();
    const page = pages.length === 1 && pages[0].url() === "about:blank" ? pages[0] : await this.context.newPage();
    return new Person(this, page, name);
  }

  /** Every request to another origin, CSP violation and uncaught error is a fault (NT1, HD7). */
  #guard(page) {
    const allowed = new URL(this.house.url).host;
    page.on("request", (request) => {
      const url = new URL(request.url());
      const local = ["data:", "blob:", "about:"].includes(url.protocol);
      if (!local && url.host !== allowed) this.faults.push(`request to another origin: ${request.url()}`);
    });
    page.on("pageerror", (error) => this.faults.push(`uncaught error: ${error.stack ?? error}`));
    page.on("console", (message) => {
      const text = message.text();
      if (text.startsWith("CSP violation") || text.includes("Content Security Policy")) this.faults.push(text);
    });
  }

  async stop() {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    if (this.faults.length > 0) throw new Error(`the browser saw faults:\n${this.faults.join("\n")}`);
  }
}

/** Puts the house's certificate and others where Chromium looks for trust anchors. */
function trust(home, certificates) {
  for (const folder of [".pki/nssdb", ".local/share/pki/nssdb"]) {
    const database = join(home, folder);
    mkdirSync(database, { recursive: true });
    const quiet = { stdio: "ignore" };
    execFileSync("certutil", ["-d", `sql:${database}`, "-N", "--empty-password"], quiet);
    for (const [index, file] of certificates.entries()) {
      execFileSync("certutil", ["-d", `sql:${database}`, "-A", "-t", "C,,", "-n", `plenum ${index}`, "-i", file], quiet);
    }
  }
}
