// The certificate of the pages is replaced in the middle of a call: who is in it notices nothing, whoever comes sees
// the new one.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { call, setUp, signIn } from "../lib/box-api.mjs";
import { shownCertificate, sign } from "../lib/certificates.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { ClientNetwork } from "../lib/client-network.mjs";
import { ADDRESS, House } from "../lib/house.mjs";
import { until } from "../lib/until.mjs";

/** Between two looks at what is decoded. */
const STEP = 500;
/** Looks after each replacement: longer than the pages take to notice it. */
const LOOKS = 12;

let house;
let network;
let browsers = [];
let session;

before(async () => {
  house = await House.start();
  session = await signIn(house, "ada", await setUp(house, "ada"));
  network = await ClientNetwork.start(new URL(house.url).port);
  // One of the two has its media on the port of the pages too (TURN over TLS).
  browsers = [
    await Chromium.start(house),
    await Chromium.start(house, { hertz: 700, wrapper: network.wrapper("/usr/bin/chromium") }),
  ];
});

after(async () => {
  for (const browser of browsers) await browser.stop();
  network?.stop();
  await house?.stop();
});

/** Key, and certificate signed by the authority that the browsers trust. */
function another() {
  const folder = mkdtempSync(join(tmpdir(), "plenum-another-"));
  try {
    const [request, key] = [join(folder, "request.pem"), join(folder, "key.pem")];
    const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=box"];
    const name = ["-addext", `subjectAltName=IP:${ADDRESS}`];
    execFileSync("openssl", ["req", ...made, ...name, "-keyout", key, "-out", request], { stdio: "ignore" });
    return { chain: sign(readFileSync(request, "utf8"), house.ca_file), key: readFileSync(key, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is decoded, and what would change with a picture or a connection that breaks. */
async function flow(person) {
  const connections = await person.page.evaluate(() => window.plenumTest.connections.length);
  const reports = (await person.reports("inbound-rtp")).filter((report) => report.kind === "video");
  const sum = (field) => reports.reduce((all, report) => all + (report[field] ?? 0), 0);
  return {
    frames: sum("framesDecoded"),
    freezes: sum("freezeCount"),
    frozen: sum("totalFreezesDuration"),
    lost: sum("packetsLost"),
    connections,
    sockets: { ...person.sockets },
  };
}

async function joined(browser, name, link) {
  const person = await browser.person(name);
  person.sockets = { opened: 0, closed: 0 };
  person.page.on("websocket", (socket) => {
    person.sockets.opened += 1;
    socket.on("close", () => (person.sockets.closed += 1));
  });
  return person.join(link, { microphone: true, camera: true });
}

test("a certificate that is replaced twice during a call costs no frame and no connection", async () => {
  const ada = await joined(browsers[0], "Ada", house.hostLink);
  const berta = await joined(browsers[1], "Berta", house.guestLink);
  const people = [ada, berta];
  for (const person of people) await person.seesPeople(1, 30_000);
  const [pair] = (await berta.reports("candidate-pair")).filter((p) => p.nominated && p.state === "succeeded");
  const local = (await berta.reports("local-candidate")).find((one) => one.id === pair.localCandidateId);
  assert.equal(local.relayProtocol, "tls", "Berta's media are on the port of the pages");
  // Joining is over once both pictures have their full rate.
  for (const person of people) {
    let last = await flow(person);
    await until(`${person.name}'s picture is steady`, async () => {
      const now = await flow(person);
      const steady = now.frames - last.frames >= 15 && now.freezes === last.freezes;
      last = now;
      return steady;
    }, 30_000, 1_000);
  }
  const started = await Promise.all(people.map(flow));
  let before = started;
  const seen = [(await shownCertificate(house.url)).fingerprint256];
  let least = Infinity;
  for (const round of [1, 2]) {
    await call(house, "PUT", "certificate", another(), session);
    for (let look = 0; look < LOOKS; look += 1) {
      await ada.page.waitForTimeout(STEP);
      const now = await Promise.all(people.map(flow));
      for (const [index, person] of people.entries()) {
        const grown = now[index].frames - before[index].frames;
        least = Math.min(least, grown);
        assert.ok(grown > 0, `${person.name} decoded nothing for ${STEP} ms after replacement ${round}`);
      }
      before = now;
    }
    const shown = (await shownCertificate(house.url)).fingerprint256;
    assert.ok(!seen.includes(shown), `new connections see certificate ${round}`);
    seen.push(shown);
  }
  for (const [index, person] of people.entries()) {
    const { frames, ...harm } = before[index];
    const { frames: _, ...harmBefore } = started[index];
    assert.deepEqual(harm, harmBefore, `${person.name}: no freeze, no loss, no new connection`);
    assert.equal(person.sockets.opened - person.sockets.closed, 1, `${person.name}'s WebSocket is open`);
    console.log(`${person.name}: ${frames - started[index].frames} frames decoded meanwhile`);
  }
  console.log(`at least ${least} frames in any ${STEP} ms`);
});
