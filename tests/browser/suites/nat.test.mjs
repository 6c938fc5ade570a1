// A box behind a router that translates addresses: sound and picture come by the public address it was told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { putBehindNat } from "../lib/box-api.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { ClientNetwork } from "../lib/client-network.mjs";
import { ADDRESS, House } from "../lib/house.mjs";
import { until } from "../lib/until.mjs";

/** For documentation (RFC 5737): nobody's. */
const PUBLIC = "203.0.113.10";

test("who is outside sees and hears by the router's address, and who is inside by the box's own", async () => {
  const house = await House.start();
  const network = await ClientNetwork.start(new URL(house.url).port, { from: PUBLIC, to: ADDRESS });
  const outside = await Chromium.start(house, { wrapper: network.wrapper("/usr/bin/chromium") });
  const inside = await Chromium.start(house, { hertz: 700 });
  try {
    await putBehindNat(house, PUBLIC);
    const ada = await (await inside.person("Ada")).join(house.hostLink, { microphone: true, camera: true });
    const berta = await (await outside.person("Berta")).join(house.guestLink, { microphone: true, camera: true });
    for (const person of [ada, berta]) {
      await person.seesPeople(1, 30_000);
      const before = await person.energy();
      await until(`${person.name} hears`, async () => (await person.energy()) > before + 0.001);
    }
    assert.deepEqual(await way(berta), { local: "host", remote: PUBLIC });
    assert.deepEqual(await way(ada), { local: "host", remote: ADDRESS });
  } finally {
    await outside.stop();
    await inside.stop();
    network.stop();
    await house.stop();
  }
});

/** By which sound and picture go. */
async function way(person) {
  const pairs = await person.reports("candidate-pair");
  const pair = pairs.find(({ nominated, state }) => nominated && state === "succeeded");
  const of = async (type, id) => (await person.reports(type)).find((candidate) => candidate.id === id);
  const [local, remote] = [await of("local-candidate", pair.localCandidateId), await of("remote-candidate", pair.remoteCandidateId)];
  return { local: local.candidateType, remote: remote.address };
}
