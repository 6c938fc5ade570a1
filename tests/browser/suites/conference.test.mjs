// People see and hear each other: three Chromium, each a process of its own.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";
import { until } from "../lib/until.mjs";

let house;
let browsers = [];
let people = [];

before(async () => {
  house = await House.start();
  browsers = await Promise.all(["Ada", "Berta", "Cleo"].map((_, i) => Chromium.start(house, { hertz: 300 + 200 * i })));
  for (const [i, name] of ["Ada", "Berta", "Cleo"].entries()) {
    const person = await browsers[i].person(name);
    await person.join(i === 0 ? house.hostLink : house.guestLink, { microphone: true, camera: true });
    people.push(person);
  }
});

after(async () => {
  for (const browser of browsers) await browser.stop();
  await house?.stop();
});

test("each decodes the two others for ten seconds, in the expected size", async () => {
  for (const person of people) await person.seesPeople(2);
  // Bandwidth estimation begins low: the size is that of a call that has settled.
  for (const person of people) {
    await until(`${person.name} gets 16:9 at 360 lines or more`, async () => sized(await person.pictures()), 30_000);
  }
  // A busy machine may miss a second; what is shown is that a call runs for ten in a row.
  const attempts = [];
  while (attempts.length < 4) {
    const broken = await tenSeconds();
    if (broken === undefined) break;
    attempts.push(broken);
  }
  if (attempts.length > 0) console.log(`began again: ${attempts.join("; ")}`);
  assert.ok(attempts.length < 4, attempts.join("; "));
});

const sized = (tiles) =>
  tiles.length === 2 && tiles.every((tile) => tile.height >= 360 && Math.abs(tile.width / tile.height - 16 / 9) < 0.05);

/** What broke off the ten seconds, if anything did. */
async function tenSeconds() {
  for (let second = 0; second < 10; second++) {
    const before = await Promise.all(people.map((person) => person.pictures()));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const now = await Promise.all(people.map((person) => person.pictures()));
    for (const [i, person] of people.entries()) {
      if (!sized(now[i])) {
        return `${person.name} in second ${second}: ${JSON.stringify(now[i].map((t) => [t.person, t.width, t.height]))}`;
      }
      for (const tile of now[i]) {
        const earlier = before[i].find((t) => t.person === tile.person);
        if (tile.frames <= (earlier?.frames ?? 0)) return `${person.name} in second ${second}: ${tile.person} stands still`;
      }
    }
  }
}

test("each hears the others", async () => {
  for (const person of people) await person.hears();
});

/*
 * The least of three: a busy machine holds a sample back in the listener's jitter buffer, or runs this measurement
 * late. What the box or the page added by a fault would stand in every one of them.
 */
test("mute silences within 300 ms", async () => {
  const [ada, berta, cleo] = people;
  await cleo.toggle("mic-toggle", false);
  const gaps = [];
  while (gaps.length < 3 && !gaps.some((gap) => gap <= 300)) {
    await until("only Ada is heard", async () => (await activeSlots(berta)) === 1);
    gaps.push(await muteGap(ada, berta));
    await ada.toggle("mic-toggle", true);
  }
  console.log(`mute silenced after ${gaps.map(Math.round).join(", ")} ms`);
  assert.ok(gaps.at(-1) <= 300, `sound stopped after ${gaps} ms`);
  await cleo.toggle("mic-toggle", true);
});

/** Milliseconds from the speaker's click on mute until the listener hears nothing any more. */
async function muteGap(speaker, listener) {
  const heard = lastSound(listener, 1_500);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const clicked = await speaker.page.evaluate(() => {
    document.querySelector("[data-testid=mic-toggle]").click();
    return Date.now();
  });
  const gap = (await heard) - clicked;
  assert.ok(gap > 0, "the sound was heard before");
  return gap;
}

/* The best of three, as above: an encoder on a busy machine takes some seconds to reach its rate. */
test("a screen share arrives at 720p and 10 fps at least", async () => {
  const [ada, berta, cleo] = people;
  await ada.control("screen-toggle").click();
  for (const person of [berta, cleo]) {
    const shares = await until(`${person.name} sees the screen`, async () => {
      const tiles = await person.pictures("screen");
      return tiles.length === 1 && tiles[0].height >= 720 && tiles;
    }, 15_000);
    const rates = [];
    while (rates.length < 3 && !rates.some((rate) => rate >= 10)) rates.push(await screenRate(person));
    assert.ok(rates.at(-1) >= 10, `${person.name} gets ${rates} fps`);
    const [{ width, height }] = shares;
    console.log(`${person.name}: screen ${width}×${height} at ${rates.map((rate) => rate.toFixed(1)).join(", ")} fps`);
  }
  await ada.control("screen-toggle").click();
  await until("the share is gone", async () => (await berta.pictures("screen")).length === 0);
});

/** Pictures of the screen per second, over some seconds. */
async function screenRate(person) {
  const seconds = 4;
  const frames = async () => (await person.pictures("screen"))[0].frames;
  const before = await frames();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  return ((await frames()) - before) / seconds;
}

async function activeSlots(person) {
  const measure = async () => (await person.reports("inbound-rtp")).filter((r) => r.kind === "audio").map((r) => [r.id, r.totalAudioEnergy ?? 0]);
  const before = new Map(await measure());
  await new Promise((resolve) => setTimeout(resolve, 400));
  return (await measure()).filter(([id, energy]) => energy > (before.get(id) ?? 0) + 1e-5).length;
}

/** The last moment within `limit` ms at which the person's sound was above −46 dBFS, as Date.now() counts. */
function lastSound(person, limit) {
  return person.page.evaluate(async (limit) => {
    const context = new AudioContext();
    // The last 11 ms; statistics come in steps of 60 ms.
    const analyser = new AnalyserNode(context, { fftSize: 512 });
    for (const track of window.plenumTest.remoteTracks("audio")) {
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    }
    const samples = new Float32Array(analyser.fftSize);
    const end = Date.now() + limit;
    let last = 0;
    while (Date.now() < end) {
      analyser.getFloatTimeDomainData(samples);
      if (samples.some((sample) => Math.abs(sample) > 0.005)) last = Date.now();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await context.close();
    return last;
  }, limit);
}
