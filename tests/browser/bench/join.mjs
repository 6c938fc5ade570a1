// 20 joins into a meeting of two: milliseconds from the click on "Join" to the first decoded remote
// frame and to the first remote sound.

import { parseArgs } from "node:util";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";

const { values } = parseArgs({ options: { json: { type: "boolean" }, joins: { type: "string", default: "20" } } });

const house = await House.start();
const meeting = await Chromium.start(house, { fps: 20 });
for (const [i, name] of ["Ada", "Berta"].entries()) {
  const person = await meeting.person(name);
  await person.join(i === 0 ? house.hostLink : house.guestLink, { microphone: true, camera: true });
}
const frames = [];
const sounds = [];
const joiner = await Chromium.start(house);
for (let i = 0; i < Number(values.joins); i++) {
  const person = await joiner.person("Cleo");
  await person.open(house.guestLink);
  await person.control("name-input").fill("Cleo");
  await person.page.waitForLoadState("networkidle");
  const { frame, sound } = await person.page.evaluate(measureJoin);
  frames.push(frame);
  sounds.push(sound);
  await person.control("leave-button").click();
  await person.page.goto("about:blank");
}
await joiner.stop();
await meeting.stop();
await house.stop();

const result = { joins: frames.length, first_frame_ms: quantiles(frames), first_sound_ms: quantiles(sounds) };
console.log(values.json ? JSON.stringify(result) : result);

function quantiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => Math.round(sorted[Math.ceil(sorted.length * share) - 1]);
  return { p50: at(0.5), p95: at(0.95) };
}

/** In the page: clicks and watches the statistics of the connection. */
async function measureJoin() {
  const began = performance.now();
  document.querySelector("[data-testid=join-button]").click();
  let frame;
  let sound;
  while (frame === undefined || sound === undefined) {
    if (performance.now() - began > 20_000) throw new Error(`no ${frame ? "sound" : "picture"} within 20 s`);
    for (const report of await window.plenumTest.reports("inbound-rtp")) {
      if (report.kind === "video" && report.framesDecoded > 0) frame ??= performance.now() - began;
      if (report.kind === "audio" && report.totalAudioEnergy > 0) sound ??= performance.now() - began;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return { frame, sound };
}
