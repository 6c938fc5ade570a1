// A gallery with more people than places, and six people in one browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";
import { until } from "../lib/until.mjs";

const NAMES = ["Ada", "Berta", "Cleo", "Dora", "Emil", "Frida"];

let house;
let browser;
const people = [];

before(async () => {
  house = await House.start();
  browser = await Chromium.start(house, { fps: 10, viewport: { width: 640, height: 360 }, flags: ["--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding"] });
  for (const [i, name] of NAMES.entries()) {
    const person = await browser.person(name);
    await person.join(i === 0 ? house.hostLink : house.guestLink, { camera: true });
    people.push(person);
  }
});

after(async () => {
  await browser?.stop();
  await house?.stop();
});

test("with six tabs of 640×360 everyone sees everyone", async () => {
  for (const person of people) {
    const seen = new Set();
    await person.page.bringToFront();
    const first = person.control("previous-page");
    while (await usable(first)) await first.click();
    for (;;) {
      const others = (await person.tiles()).filter((tile) => !tile.own).length;
      const pictures = await until(
        `${person.name} sees all ${others} on the page`,
        async () => {
          const moving = (await person.pictures()).filter((tile) => tile.frames > 0);
          return moving.length === others && moving;
        },
        20_000,
      );
      for (const tile of pictures) seen.add(tile.person);
      const next = person.control("next-page");
      if (!(await usable(next))) break;
      await next.click();
    }
    assert.equal(seen.size, NAMES.length - 1, `${person.name} saw ${[...seen]}`);
  }
});

test("a second page shows other people", async () => {
  const [ada] = people;
  await ada.page.bringToFront();
  await ada.page.setViewportSize({ width: 320, height: 256 });
  const next = ada.control("next-page");
  await next.waitFor();
  await until("a page has fewer people than the room", async () => (await ada.tiles()).length < NAMES.length);
  const first = (await ada.tiles()).map((tile) => tile.person);
  await next.click();
  const second = await until("other people", async () => {
    const tiles = await ada.tiles();
    return tiles.length > 0 && tiles.every((tile) => !first.includes(tile.person) || tile.own) && tiles;
  });
  const others = second.filter((tile) => !tile.own).length;
  await until("their pictures move", async () => (await ada.pictures()).filter((tile) => tile.frames > 0).length === others);
});

async function usable(button) {
  return (await button.count()) > 0 && (await button.getAttribute("aria-disabled")) !== "true";
}
