// Two real browsers hold a conference through the booted image: over UDP, and over 443 alone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Chromium } from "../lib/chromium.mjs";
import { ClientNetwork } from "../lib/client-network.mjs";
import { Machine } from "../lib/machine.mjs";
import { until } from "../lib/until.mjs";

/** The machine is emulated. */
const LIMIT = 60_000;

let machine;
let network;
let browsers = [];

before(async () => {
  machine = await Machine.join();
  network = await ClientNetwork.start(443);
});

after(async () => {
  for (const browser of browsers) await browser.stop();
  network?.stop();
  machine?.stop();
});

async function chromium(options) {
  const browser = await Chromium.start(machine, { viewport: { width: 800, height: 450 }, fps: 10, ...options });
  browser.context.setDefaultTimeout(LIMIT);
  browsers.push(browser);
  return browser;
}

/** Both decode frames and hear sound that is new. */
async function seeAndHear(people) {
  for (const person of people) {
    await person.seesPeople(1, LIMIT);
    const frames = await person.frames();
    await until(`${person.name} decodes frames`, async () => (await person.frames()) > frames + 10, LIMIT);
    await person.hears(LIMIT);
    console.log(`${person.name}: ${(await person.frames())} frames decoded`);
  }
}

let ada;

test("over UDP, straight to the media port", async () => {
  ada = await (await chromium({ hertz: 700 })).person("Ada");
  await ada.join(machine.hostLink, { microphone: true, camera: true });
  const berta = await (await chromium({})).person("Berta");
  await berta.join(machine.guestLink, { microphone: true, camera: true });
  await seeAndHear([ada, berta]);
  for (const person of [ada, berta]) {
    const { local, remote } = await person.chosenPair();
    assert.equal(local.protocol, "udp");
    assert.notEqual(local.candidateType, "relay");
    assert.equal(`${remote.address}:${remote.port}`, `${new URL(machine.url).hostname}:10000`);
  }
  await browsers.pop().stop();
});

test("over TURN with TLS on port 443, where nothing else gets out", async () => {
  const cleo = await (await chromium({ wrapper: network.wrapper("/usr/bin/chromium") })).person("Cleo");
  await cleo.join(machine.guestLink, { microphone: true, camera: true });
  await seeAndHear([ada, cleo]);
  const { local } = await cleo.chosenPair();
  assert.equal(local.candidateType, "relay");
  assert.equal(local.relayProtocol, "tls");
  assert.equal(new URL(local.url.replace("turns:", "https://")).port, "", local.url);
});
