// Firefox joins, is seen, and sees.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Chromium } from "../lib/chromium.mjs";
import { Firefox } from "../lib/firefox.mjs";
import { House } from "../lib/house.mjs";
import { instrument } from "../lib/instrument.mjs";
import { until } from "../lib/until.mjs";

let house;
let chromium;
let firefox;
let ada;
let page;

before(async () => {
  house = await House.start();
  chromium = await Chromium.start(house);
  ada = await (await chromium.person("Ada")).join(house.hostLink, { microphone: true, camera: true });
  firefox = await Firefox.start();
  page = await firefox.newPage();
  await page.evaluateOnNewDocument(instrument);
  await page.goto(house.guestLink);
  await page.locator("[data-testid=name-input]").fill("Berta");
  for (const id of ["mic-toggle", "camera-toggle"]) {
    await page.locator(`[data-testid=${id}]`).click();
    await page.waitForSelector(`[data-testid=${id}][aria-pressed=true]`);
  }
  await page.locator("[data-testid=join-button]").click();
  await page.waitForSelector("[data-testid=leave-button]");
});

after(async () => {
  await firefox?.stop();
  await chromium?.stop();
  await house?.stop();
});

test("Firefox sees and hears Chromium", async () => {
  await until("Ada's picture moves", () =>
    page.evaluate(async () => {
      // Firefox counts no totalVideoFrames for streams.
      const decoded = (await window.plenumTest.reports("inbound-rtp")).some((r) => r.kind === "video" && r.framesDecoded > 10);
      return decoded && window.plenumTest.tiles().some((tile) => !tile.own && tile.playing && tile.width > 0);
    }), 20_000);
  await until("Ada is heard", () =>
    page.evaluate(async () => (await window.plenumTest.reports("inbound-rtp")).some((r) => r.kind === "audio" && r.totalAudioEnergy > 0.001)), 20_000);
});

test("Chromium sees and hears Firefox", async () => {
  await ada.seesPeople(1, 20_000);
  const before = await ada.energy();
  await until("Berta is heard", async () => (await ada.energy()) > before);
  const [tile] = await ada.pictures();
  assert.ok(tile.width >= 160, `${tile.width}×${tile.height}`);
});
