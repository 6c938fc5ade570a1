// DTLS handshakes complete although a quarter of all datagrams is lost, each way.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Chromium } from "../lib/chromium.mjs";
import { Firefox } from "../lib/firefox.mjs";
import { House } from "../lib/house.mjs";
import { rawPage } from "../lib/raw-client.mjs";

const LIMIT = 5_000;
const AT_ONCE = 5;
const ROUNDS = 3;

let house;

before(async () => {
  house = await House.start(["--loss-permille", "250"]);
});

after(async () => {
  await house?.stop();
});

test("50 handshakes with Chromium", async () => {
  const browser = await Chromium.start(house);
  try {
    await inTime("Chromium", await rawPage(browser.context, house), 50);
  } finally {
    await browser.stop();
  }
});

test("20 handshakes with Firefox", async () => {
  const browser = await Firefox.start();
  try {
    await inTime("Firefox", await rawPage(browser, house), 20);
  } finally {
    await browser.stop();
  }
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

/**
 * The best of some rounds: of four repetitions in a row all are lost now and then, and browsers wait longer before each.
 * Every handshake comes to its end in every round; one that hangs by a fault would be in each of them.
 */
async function inTime(browser, page, count) {
  let longest;
  for (let round = 0; round < ROUNDS && !(longest <= LIMIT); round++) {
    const times = await handshakes(page, count);
    const at = (share) => Math.round(times[Math.ceil(times.length * share) - 1]);
    console.log(`${browser}: ${times.length} handshakes, ms: p50 ${at(0.5)}, p95 ${at(0.95)}, longest ${at(1)}`);
    longest = at(1);
  }
  assert.ok(longest <= LIMIT, `the longest handshake took ${longest} ms in the last of ${ROUNDS} rounds`);
}
