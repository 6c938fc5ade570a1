// A box behind a router that translates addresses: sound and picture come by the public address it was told.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { putBehindNat } from "../lib/box-api.mjs";
import { ADDRESS } from "../lib/house.mjs";
import { TwoNetworks } from "../lib/two-networks.mjs";

/** For documentation (RFC 5737): nobody's. */
const PUBLIC = "203.0.113.10";

let networks;

before(async () => {
  networks = await TwoNetworks.start({ from: PUBLIC, to: ADDRESS });
});

after(() => networks?.stop());

test("who is outside sees and hears by the router's address, and who is inside by the box's own", async () => {
  await putBehindNat(networks.house, PUBLIC);
  const [ada, berta] = await networks.meet();
  for (const [person, address] of [[berta, PUBLIC], [ada, ADDRESS]]) {
    const { local, remote } = await person.chosenPair();
    assert.deepEqual([local.candidateType, remote.address], ["host", address], person.name);
  }
});
