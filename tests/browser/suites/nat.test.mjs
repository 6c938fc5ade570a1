// A box behind a router that translates addresses: sound and picture come by the public address it was told.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { putBehindNat } from "../lib/box-api.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { ClientNetwork } from "../lib/client-network.mjs";
import { ADDRESS, House } from "../lib/house.mjs";

/** For documentation (RFC 5737): nobody's. */
const PUBLIC = "203.0.113.10";

let house;
let network;
let inside;
let outside;

before(async () => {
  house = await House.start();
  network = await ClientNetwork.start(new URL(house.url).port, { from: PUBLIC, to: ADDRESS });
  outside = await Chromium.start(house, { wrapper: network.wrapper("/usr/bin/chromium") });
  inside = await Chromium.start(house, { hertz: 700 });
});

after(async () => {
  await outside?.stop();
  await inside?.stop();
  network?.stop();
  await house?.stop();
});

test("who is outside sees and hears by the router's address, and who is inside by the box's own", async () => {
  await putBehindNat(house, PUBLIC);
  const ada = await (await inside.person("Ada")).join(house.hostLink, { microphone: true, camera: true });
  const berta = await (await outside.person("Berta")).join(house.guestLink, { microphone: true, camera: true });
  for (const person of [ada, berta]) {
    await person.seesPeople(1, 30_000);
    await person.hears();
  }
  for (const [person, address] of [[berta, PUBLIC], [ada, ADDRESS]]) {
    const { local, remote } = await person.chosenPair();
    assert.deepEqual([local.candidateType, remote.address], ["host", address], person.name);
  }
});
