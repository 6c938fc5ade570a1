// A full disk, a clock that is a year off, no link, no DNS: the conference goes on or comes back by itself,
// nothing that was acknowledged is lost, and the journal says what is wrong.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Chromium } from "../lib/chromium.mjs";
import { Machine } from "../lib/machine.mjs";
import { until } from "../lib/until.mjs";

/** The machine is emulated. */
const LIMIT = 60_000;

/** Every block of the data partition, those for root alone too, in pieces from 1 GiB to 4 KiB. */
const FILL = `mkdir /var/full; i=0
for size in 1048576 65536 4096 256 16 4; do
  while fallocate --length \${size}KiB /var/full/$i 2>/dev/null; do i=$((i+1)); done
done; sync; df -k /var | tail -n 1`;

let machine;
let browsers = [];
let people = [];

before(async () => {
  machine = await Machine.join();
  for (const [hertz, name] of [[440, "Ada"], [700, "Berta"]]) {
    const browser = await Chromium.start(machine, { viewport: { width: 800, height: 450 }, fps: 10, hertz });
    browser.context.setDefaultTimeout(LIMIT);
    browsers.push(browser);
    const link = people.length === 0 ? machine.hostLink : machine.guestLink;
    people.push(await (await browser.person(name)).join(link, { microphone: true, camera: true }));
  }
  for (const person of people) {
    await person.seesPeople(1, LIMIT);
    await person.control("chat-toggle").click();
  }
});

after(async () => {
  for (const browser of browsers) await browser.stop();
  machine?.stop();
});

/** Both decode frames that are new, and a message of one arrives at the other. */
async function goesOn(when) {
  for (const person of people) {
    const frames = await person.frames();
    await until(`${person.name} decodes frames ${when}`, async () => (await person.frames()) > frames + 10, LIMIT);
  }
  const [ada, berta] = people;
  await ada.control("chat-input").fill(when);
  // While there is no connection the text stays where it is.
  await until("Ada has said it", async () => {
    await ada.control("chat-input").press("Enter");
    return (await ada.control("chat-input").inputValue()) === "";
  }, LIMIT, 500);
  await berta.control("chat-message").filter({ hasText: when }).waitFor();
}

/** Lines of the journal after a cursor that have one of these words. */
const journal = (since, words) =>
  machine.shell(`journalctl --no-pager --output=cat --after-cursor='${since}' 2>/dev/null | grep --ignore-case --extended-regexp '${words}' || true`);

const cursor = () => machine.shell("journalctl --no-pager --lines=1 --show-cursor | sed --quiet 's/^-- cursor: //p'");

const told = async (since, words) => {
  const lines = await until(`the journal says ${words}`, () => journal(since, words), LIMIT, 1_000);
  console.log(lines.split("\n").slice(0, 3).join("\n"));
};

/** What the API answers to a wish for a further meeting: its link, or why not. */
async function openMeeting(title) {
  const key = await machine.shell("cat /var/lib/plenum/signaling/host.key");
  const body = JSON.stringify({ title, host_key: key });
  return people[0].page.evaluate(async (body) => {
    const answer = await fetch("/api/meetings", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    return { status: answer.status, ...(await answer.json()) };
  }, body);
}

/** Whether a link still leads to its meeting. */
const leads = (link) =>
  people[0].page.evaluate(async (link) => {
    const body = JSON.stringify({ link });
    const answer = await fetch("/api/link", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    return answer.status;
  }, link);

test("without DNS", async () => {
  const answer = await machine.shell("resolvectl query --no-pager plenum.example 2>&1 || true");
  assert.match(answer, /failed|timed out|No appropriate name servers|not found/i);
  await goesOn("without a name server");
});

test("without a link for a while", async () => {
  const since = await cursor();
  await machine.link(false);
  await told(since, "lost carrier");
  await machine.link(true);
  await told(since, "gained carrier");
  await goesOn("after the cable was plugged in again");
});

test("with a full data partition", async () => {
  const before = await openMeeting("Before");
  assert.equal(before.status, 201, JSON.stringify(before));
  const since = await cursor();
  console.log(await machine.shell(FILL));
  const acknowledged = [before];
  try {
    // Space that the store keeps back is used up first.
    const refused = await until("a full disk refuses a meeting", async () => {
      const one = await openMeeting("During");
      if (one.status === 201) acknowledged.push(one);
      return one.status !== 201 && one;
    }, LIMIT, 0);
    console.log(`${acknowledged.length} acknowledged, then ${refused.status}: ${refused.detail}`);
    assert.match(refused.detail, /disk may be full/);
    await told(since, "could not be stored");
    await goesOn("with a full disk");
  } finally {
    await machine.shell("rm -r /var/full");
  }
  await until("meetings are taken again", async () => (await openMeeting("After")).status === 201, LIMIT, 1_000);
  await machine.shell("systemctl restart plenum-signaling.service");
  for (const one of acknowledged) {
    await until(`an acknowledged meeting is there`, async () => (await leads(one.guest_link)) === 200, LIMIT, 500);
  }
  await goesOn("after the disk had room again");
});

for (const [name, there, back] of [["ahead", "+1 year", "-1 year"], ["behind", "-1 year", "+1 year"]]) {
  test(`with a clock that is a year ${name}`, async () => {
    const one = await openMeeting("Clock");
    const since = await cursor();
    await machine.shell(`date --set '${there}'`);
    await told(since, "clock|time.*(jump|change)");
    await goesOn(`with the clock ${name}`);
    assert.equal(await leads(one.guest_link), 200, "the meeting of another time is there");
    await machine.shell(`date --set '${back}'`);
    await goesOn(`with the clock right again, after ${name}`);
    assert.equal(await leads(one.guest_link), 200, "the meeting is there afterwards");
  });
}
