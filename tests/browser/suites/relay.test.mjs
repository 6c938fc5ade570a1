// Only TCP on the page's own port gets out: sound and picture through TURN over TLS there.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { putBehindNat } from "../lib/box-api.mjs";
import { TwoNetworks } from "../lib/two-networks.mjs";

let networks;

before(async () => {
  networks = await TwoNetworks.start();
  // One that nobody here reaches, and that the relay refuses, keeps nobody from the way that is open.
  await putBehindNat(networks.house, "203.0.113.10");
});

after(() => networks?.stop());

test("a browser behind a firewall sees and hears, and is seen and heard", async () => {
  const [, berta] = await networks.meet();
  const { local } = await berta.chosenPair();
  assert.equal(local.candidateType, "relay");
  assert.equal(local.relayProtocol, "tls");
  assert.equal(new URL(networks.house.url).port, new URL(local.url.replace("turns:", "https://")).port, local.url);
});
