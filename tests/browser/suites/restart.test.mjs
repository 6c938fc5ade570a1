// SIGKILL of a daemon in the middle of a meeting.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";
import { until } from "../lib/until.mjs";

let house;
let browsers = [];
let ada;
let berta;

before(async () => {
  house = await House.start();
  browsers = [await Chromium.start(house), await Chromium.start(house, { hertz: 700 })];
  ada = await (await browsers[0].person("Ada")).join(house.hostLink, { microphone: true, camera: true });
  berta = await (await browsers[1].person("Berta")).join(house.guestLink, { microphone: true, camera: true });
  await ada.seesPeople(1);
  await berta.seesPeople(1);
});

after(async () => {
  for (const browser of browsers) await browser.stop();
  await house?.stop();
});

test("SIGKILL of signaling: pictures go on, roster, chat and hands are back within 3 s", async () => {
  await berta.control("chat-toggle").click();
  await say(ada, "before the break");
  await berta.control("chat-message").filter({ hasText: "before the break" }).waitFor();
  await berta.toggle("hand-toggle", true);
  const gap = longestGap(berta, 6_000);
  const old = house.pid("signaling");
  const killed = performance.now();
  house.kill("signaling");
  await house.runsAgain("signaling", old);
  await say(ada, "after the break");
  await berta.control("chat-message").filter({ hasText: "after the break" }).waitFor({ timeout: 5_000 });
  const back = performance.now() - killed;
  assert.ok(back <= 3_000, `back after ${Math.round(back)} ms`);
  assert.equal(await berta.control("chat-message").count(), 2, "nothing is lost or doubled");
  assert.equal(await berta.control("hand-toggle").getAttribute("aria-pressed"), "true");
  await berta.control("people-toggle").click();
  await until("the roster is back", async () => (await berta.control("person-row").count()) === 2);
  const longest = await gap;
  assert.ok(longest <= 1_000, `no frame for ${longest} ms`);
  console.log(`signaling: back after ${Math.round(back)} ms, longest gap between frames ${Math.round(longest)} ms`);
});

test("SIGKILL of the SFU: picture and sound are back within 5 s without a click", async () => {
  const old = house.pid("sfu");
  const killed = performance.now();
  house.kill("sfu");
  await house.runsAgain("sfu", old);
  for (const person of [ada, berta]) {
    await until(`${person.name} sees and hears again`, () => rises(person), 10_000);
  }
  const back = performance.now() - killed;
  assert.ok(back <= 5_000, `back after ${Math.round(back)} ms`);
  console.log(`SFU: picture and sound back after ${Math.round(back)} ms`);
});

async function say(person, text) {
  if (!(await person.control("chat-input").isVisible())) await person.control("chat-toggle").click();
  const input = person.control("chat-input");
  await input.fill(text);
  // While there is no connection the text stays where it is.
  await until(`${person.name} has said it`, async () => {
    await input.press("Enter");
    return (await input.inputValue()) === "";
  });
}

/** Whether pictures and sound of the newest connection grow. */
async function rises(person) {
  return person.page.evaluate(async () => {
    const connection = window.plenumTest.connections.at(-1);
    const measure = async () => {
      const sum = { video: 0, audio: 0 };
      for (const report of (await connection.getStats()).values()) {
        if (report.type === "inbound-rtp") sum[report.kind] += report.framesDecoded ?? report.totalAudioEnergy ?? 0;
      }
      return sum;
    };
    const before = await measure();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = await measure();
    return now.video > before.video && now.audio > before.audio;
  });
}

/** The longest time between two frames of the first other person's picture, in ms. */
function longestGap(person, limit) {
  return person.page.evaluate(async (limit) => {
    const video = document.querySelector("[data-testid=tile]:not([data-own=true]) video");
    let last = performance.now();
    let longest = 0;
    let running = true;
    const frame = () => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      if (running) video.requestVideoFrameCallback(frame);
    };
    video.requestVideoFrameCallback(frame);
    await new Promise((resolve) => setTimeout(resolve, limit));
    running = false;
    return Math.max(longest, performance.now() - last);
  }, limit);
}
