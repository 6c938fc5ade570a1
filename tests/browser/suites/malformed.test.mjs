// 10,000 malformed messages each as SDP, WebSocket message, RTP, RTCP, STUN, TURN and HTTP: the house
// lives on with bounded memory, and a fresh browser joins. PLENUM_SEED repeats or varies it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Chromium } from "../lib/chromium.mjs";
import { binDir, House } from "../lib/house.mjs";

let house;
let browsers = [];

before(async () => {
  house = await House.start();
});

after(async () => {
  for (const browser of browsers) await browser.stop();
  await house?.stop();
});

test("no daemon ends, panics or grows by what strangers and members send", async () => {
  const child = spawn(join(binDir(), "plenum-malformed"), ["--state", house.state], { stdio: "inherit" });
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  assert.equal(code, 0, "the message of plenum-malformed stands above");
});

test("a fresh browser joins afterwards, sees and is seen", async () => {
  browsers = [await Chromium.start(house), await Chromium.start(house, { hertz: 700 })];
  const ada = await (await browsers[0].person("Ada")).join(house.hostLink, { microphone: true, camera: true });
  const berta = await (await browsers[1].person("Berta")).join(house.guestLink, { microphone: true, camera: true });
  await ada.seesPeople(1);
  await berta.seesPeople(1);
});
