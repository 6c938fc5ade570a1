// The operations manual is followed, German and English: from the set-up to the first meeting, and a backup taken from
// one box to another.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Box } from "../lib/box.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";
import { backUp, firstMeeting, NAME, restore, setUp, texts } from "../lib/manual-steps.mjs";

for (const locale of ["de-DE", "en-GB"]) {
  test(`what the manual says works: ${locale}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "plenum-manual-"));
    const [house, other] = [await House.start(), await House.start()];
    const browsers = [await Chromium.start(house, { locale }), await Chromium.start(other, { locale })];
    const language = locale.slice(0, 2);
    try {
      const box = new Box(house, await browsers[0].person("Ada"));
      const told = await setUp(box, language);
      await firstMeeting(box, language, told);
      await box.page.goto(`${house.url}/admin`);
      await box.signIn(NAME, told.secret);
      const files = await backUp(box, language, folder);
      await restore(new Box(other, await browsers[1].person("Ada")), language, { ...told, ...files });
      for (const browser of browsers) assert.deepEqual(browser.faults, []);
    } finally {
      for (const browser of browsers) await browser.stop();
      for (const each of [house, other]) await each.stop();
      rmSync(folder, { recursive: true });
    }
  });
}

test("everything that the manual tells people to choose is there", () => {
  const choose = { de: /[Ww]ählen Sie(?: [a-zäöü ]+)? \*\*([^*]+)\*\*/g, en: /[Cc]hoose(?: [a-z ]+)? \*\*([^*]+)\*\*/g };
  for (const language of ["de", "en"]) {
    const messages = Object.values(texts(language)).filter((text) => typeof text === "string");
    // What a message leaves open, the manual writes as three dots.
    const said = new Set(messages.map((text) => text.replaceAll(/\{\w+\}/g, "…").replaceAll(/\s+/g, " ")));
    const folder = join(import.meta.dirname, `../../../docs/operations/${language}`);
    const missing = [];
    for (const page of readdirSync(folder)) {
      const text = readFileSync(join(folder, page), "utf8").replaceAll(/\s+/g, " ");
      for (const [, label] of text.matchAll(choose[language])) {
        missing.push(...label.split(" → ").filter((part) => !said.has(part)).map((part) => `${language}/${page}: ${part}`));
      }
    }
    assert.deepEqual(missing, []);
  }
});
