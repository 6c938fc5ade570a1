// A certificate from an ACME directory: what is wrong is told with its remedy, the pages show what has come without a
// restart, and it is renewed without anybody's help.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { Box } from "../lib/box.mjs";
import { setUp } from "../lib/box-api.mjs";
import { shownCertificate } from "../lib/certificates.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { Directory } from "../lib/directory.mjs";
import { ADDRESS, House } from "../lib/house.mjs";
import { byKeyboard } from "../lib/keyboard.mjs";
import { until } from "../lib/until.mjs";

const NAME = "konferenz.example.org";
const BINDING = { id: "customer-1", key: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W" };
/** In seconds; the renewal is due at two thirds of it. */
const LIFETIME = 45;
const VIEWPORT = { width: 1440, height: 900 };

let house;
let directory;
let browser;
let box;

before(async () => {
  house = await House.start();
  const { port } = new URL(house.url);
  directory = await Directory.start({ address: ADDRESS, tlsPort: port, lifetime: LIFETIME, binding: BINDING });
  const secret = await setUp(house, "ada", { host_name: { host_name: NAME } });
  // The box's own is made anew for the name, by a new authority.
  await until("the box's own is for its name", async () => {
    return (await shownCertificate(house.url, NAME)).subjectaltname?.includes(NAME);
  });
  const site = { ...house, url: `https://${NAME}:${port}` };
  const flags = [`--host-resolver-rules=MAP ${NAME} ${ADDRESS}`];
  const view = { locale: "de-DE", viewport: VIEWPORT };
  browser = await Chromium.start(site, { flags, authorities: [await directory.root()], devices: false, ...view });
  box = new Box(site, await browser.person("Ada"), { keyboard: true });
  await box.page.goto(`${site.url}/admin`);
  await box.signIn("ada", secret);
  await box.area("name");
});

after(async () => {
  await browser?.stop();
  directory?.stop();
  await house?.stop();
});

const shown = () => shownCertificate(house.url, NAME);

async function order(fields) {
  await box.control("acme-begin").click();
  await box.control("acme-directory").waitFor();
  const closed = box.page.locator("details:not([open]) > summary");
  while ((await closed.count()) > 0) await byKeyboard(closed.first()).click();
  for (const [field, value] of Object.entries(fields)) await box.control(field).fill(value);
  await box.control("acme-save").click();
}

function status(phase, reason = "") {
  const wanted = `[data-testid="acme-status"][data-phase="${phase}"]${reason ? `[data-reason="${reason}"]` : ""}`;
  return box.page.locator(wanted).waitFor({ timeout: 60_000 }).catch(async (error) => {
    const got = await box.control("acme-status").evaluateAll((all) => all.map((one) => one.outerHTML).join());
    throw new Error(`${wanted}: ${got}\n${house.log("appliance").slice(-1_500)}\n${error}`);
  });
}

test("what keeps the directory from issuing is told with its remedy", async () => {
  await box.control("acme-begin").click();
  await box.control("acme-directory").waitFor();
  assert.match(await box.control("acme-directory").inputValue(), /letsencrypt/);
  await box.checkInBoth("automatic certificate");
  await byKeyboard(box.page.getByRole("button", { name: "Abbrechen" })).click();

  await order({ "acme-directory": `https://${ADDRESS}:1/directory` });
  await status("failed", "unreachable");
  await box.checkInBoth("directory that does not answer");
  await order({ "acme-directory": directory.url });
  await status("failed", "untrusted");
  await order({ "acme-directory": directory.managementUrl, "acme-authorities": directory.authorities });
  await status("failed", "no_directory");
  await order({ "acme-directory": directory.url });
  await status("failed", "binding_needed");
  await order({ "acme-key-id": BINDING.id, "acme-key": "d3Jvbmd3cm9uZ3dyb25nd3Jvbmd3cm9uZ3dyb25n" });
  await status("failed", "account");
  // The name leads to another address, where somebody else speaks TLS.
  await directory.namesLeadTo("127.0.0.1");
  const another = await directory.listenElsewhere("127.0.0.1", new URL(house.url).port);
  await order({ "acme-contact": "ada@example.org", "acme-key": BINDING.key });
  await status("failed", "other_server");
  another.close();
  assert.match(await box.control("acme-status").textContent(), new RegExp(NAME));
  await box.checkInBoth("directory that reaches another server");
  await box.area("overview");
  await box.control("overview").getByText(`Unter ${NAME} hat das Verzeichnis etwas anderes erreicht`).waitFor();
  await box.checkInBoth("overview without a new certificate");
  await box.area("name");
  await box.control("acme-status").waitFor();
});

test("the pages show the directory's certificate without a restart, and renew it by themselves", async () => {
  const own = await shown();
  const pid = house.pid("web");
  await directory.namesLeadTo(ADDRESS);
  await box.control("acme-again").click();
  await status("good");
  await box.checkInBoth("certificate of the directory");
  const first = await until("new connections see it", async () => {
    const now = await shown();
    return now.issuer.CN?.startsWith("Pebble") && now;
  });
  assert.notEqual(first.fingerprint256, own.fingerprint256);
  assert.equal(first.subjectaltname, `DNS:${NAME}`);
  await until("the page names it", async () => (await box.control("certificate-shown").textContent()).includes("Pebble"));
  const began = Date.now();
  const second = await until("it is renewed", async () => {
    const now = await shown();
    return now.fingerprint256 !== first.fingerprint256 && now;
  }, LIFETIME * 1_000);
  assert.ok(second.issuer.CN.startsWith("Pebble"));
  assert.ok(Date.parse(second.valid_to) > Date.parse(first.valid_to));
  console.log(`renewed ${Math.round((Date.now() - began) / 1000)} s after the first of ${LIFETIME} s`);
  assert.equal(house.pid("web"), pid, "without a restart");
  // A browser takes it, and the box says that all is well.
  await box.page.reload();
  await box.control("acme-status").waitFor();
  await status("good");
});

test("the proof is shown only while a directory looks", async () => {
  const { port } = new URL(house.url);
  const failed = await new Promise((resolve) => {
    const options = { host: ADDRESS, port, servername: NAME, ALPNProtocols: ["acme-tls/1"], rejectUnauthorized: false };
    const socket = connect(options, () => resolve("a handshake"));
    socket.once("error", (error) => resolve(error.code ?? error.message));
  });
  assert.notEqual(failed, "a handshake");
  assert.match(directory.said(), /set VALID by completed challenge/);
});

test("the box's own again ends it", async () => {
  await box.control("certificate-make-own").click();
  await box.check("the box's own certificate again");
  await box.control("confirm").click();
  await box.control("acme-status").waitFor({ state: "detached" });
  await until("the pages show the box's own", async () => !(await shown()).issuer.CN?.startsWith("Pebble"));
  const log = house.log("appliance");
  assert.ok(!log.includes(BINDING.key), "no key in the log");
  assert.ok(readFileSync(`${house.state}/pages/names`, "utf8").includes(NAME));
});
