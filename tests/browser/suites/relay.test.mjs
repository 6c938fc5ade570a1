// Only TCP on the page's own port gets out: sound and picture through TURN over TLS there.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { putBehindNat } from "../lib/box-api.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { ClientNetwork } from "../lib/client-network.mjs";
import { House } from "../lib/house.mjs";

let house;
let network;
let inside;
let outside;

before(async () => {
  house = await House.start();
  // One that nobody here reaches, and that the relay refuses, keeps nobody from the way that is open.
  await putBehindNat(house, "203.0.113.10");
  network = await ClientNetwork.start(new URL(house.url).port);
  inside = await Chromium.start(house, { wrapper: network.wrapper("/usr/bin/chromium") });
  outside = await Chromium.start(house, { hertz: 700 });
});

after(async () => {
  await inside?.stop();
  await outside?.stop();
  network?.stop();
  await house?.stop();
});

test("a browser behind a firewall sees and hears, and is seen and heard", async () => {
  const ada = await (await outside.person("Ada")).join(house.hostLink, { microphone: true, camera: true });
  const berta = await (await inside.person("Berta")).join(house.guestLink, { microphone: true, camera: true });
  for (const person of [ada, berta]) {
    await person.seesPeople(1, 30_000);
    await person.hears();
  }
  const { local } = await berta.chosenPair();
  assert.equal(local.candidateType, "relay");
  assert.equal(local.relayProtocol, "tls");
  assert.equal(new URL(house.url).port, new URL(local.url.replace("turns:", "https://")).port, local.url);
});
