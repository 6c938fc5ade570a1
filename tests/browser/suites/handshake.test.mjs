// DTLS handshakes complete although a quarter of all datagrams is lost, each way.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Chromium } from "../lib/chromium.mjs";
import { Firefox } from "../lib/firefox.mjs";
import { House } from "../lib/house.mjs";
import { rawPage } from "../lib/raw-client.mjs";

const LIMIT = 5_000;
const AT_ONCE = 5;

let house;

before(async () => {
  house = await House.start(["--loss-permille", "250"]);
});

after(async () => {
  await house?.stop();
});

test("50 handshakes with Chromium", async () => {
  const browser = await Chromium.start(house);
  report("Chromium", await handshakes(await rawPage(browser.context, house), 50));
  await browser.stop();
});

test("20 handshakes with Firefox", async () => {
  const browser = await Firefox.start();
  report("Firefox", await handshakes(await rawPage(browser, house), 20));
  await browser.stop();
});

/** Milliseconds from the answer to a connected peer connection, `AT_ONCE` at a time. */
async function handshakes(page, count) {
  const times = [];
  while (times.length < count) {
    const batch = Math.min(AT_ONCE, count - times.length);
    times.push(...(await page.evaluate(connectSeveral, [house.guestLink, batch])));
  }
  return times.sort((a, b) => a - b);
}

function connectSeveral([link, count]) {
  const one = async (i) => {
    const client = new window.raw.RawClient(link, `Guest ${i}`, { audio: 1, video: 1 });
    await client.enter();
    try {
      return await client.connect({}, 20_000);
    } finally {
      client.leave();
    }
  };
  return Promise.all(Array.from({ length: count }, (_, i) => one(i)));
}

function report(browser, times) {
  const at = (share) => Math.round(times[Math.ceil(times.length * share) - 1]);
  console.log(`${browser}: ${times.length} handshakes, ms: p50 ${at(0.5)}, p95 ${at(0.95)}, longest ${at(1)}`);
  assert.ok(at(1) <= LIMIT, `the longest handshake took ${at(1)} ms`);
}
