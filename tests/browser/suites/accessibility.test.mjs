// axe in every state that can be reached, German and English, light and dark; the whole journey by
// keyboard alone (AC1, AC2).

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit } from "../lib/axe.mjs";
import { Chromium } from "../lib/chromium.mjs";
import { House } from "../lib/house.mjs";
import { until } from "../lib/until.mjs";

let house;

before(async () => {
  house = await House.start();
});

after(async () => {
  await house?.stop();
});

for (const locale of ["en-GB", "de-DE"]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing: ${locale}, ${colorScheme}`, async () => {
      const browser = await Chromium.start(house, { locale, colorScheme, devices: true, viewport: { width: 1440, height: 900 } });
      const guest = await Chromium.start(house, { locale });
      try {
        await everyState(browser, guest);
      } finally {
        await browser.stop();
        await guest.stop();
      }
    });
  }
}

async function everyState(browser, guest) {
  const ada = await browser.person("Ada");
  const check = (state) => audit(ada.page, state);
  await ada.page.goto(house.url);
  await ada.page.getByRole("heading", { level: 1 }).waitFor();
  await check("start page");
  await ada.page.goto(`${house.url}/join#${"A".repeat(43)}`);
  await ada.control("notice").waitFor();
  await check("unknown link");
  await ada.open(house.hostLink);
  await check("before joining");
  await ada.toggle("camera-toggle", true);
  await check("before joining, camera on");
  await ada.control("name-input").fill("Ada");
  await ada.control("join-button").click();
  await ada.control("leave-button").waitFor();
  await check("alone in the room");
  const berta = await (await guest.person("Berta")).join(house.guestLink, { camera: true });
  await ada.seesPeople(1);
  await check("two people");
  for (const [toggle, opened] of [
    ["chat-toggle", "chat-input"],
    ["people-toggle", "person-row"],
  ]) {
    await ada.control(toggle).click();
    await ada.control(opened).first().waitFor();
    await check(toggle);
    await ada.control(toggle).click();
  }
  for (const menu of ["layout-menu", "react-menu", "microphone-menu", "camera-menu", "more-menu", "quality-button"]) {
    const button = ada.control(menu).first();
    if (!(await button.count()) || !(await button.isVisible())) continue;
    await button.click();
    await check(menu);
    await ada.page.keyboard.press("Escape");
  }
  await ada.control("leave-button").click();
  await ada.control("leave-meeting").waitFor();
  await check("leave menu");
  await ada.control("end-for-all").click();
  await ada.control("confirm").waitFor();
  await check("end for all");
  await ada.control("cancel").click();
  await ada.control("leave-button").click();
  await ada.control("leave-meeting").click();
  await ada.control("notice").waitFor();
  await check("after leaving");
  await berta.control("leave-button").click();
}

test("join, speak, chat and leave by keyboard alone", async () => {
  const browser = await Chromium.start(house);
  const ada = await browser.person("Ada");
  const { keyboard } = ada.page;
  await ada.open(house.hostLink);
  await tabTo(ada, "name-input");
  await keyboard.type("Ada");
  await tabTo(ada, "mic-toggle");
  await keyboard.press("Space");
  await until("the microphone is on", async () => (await ada.control("mic-toggle").getAttribute("aria-pressed")) === "true");
  await tabTo(ada, "join-button");
  await keyboard.press("Enter");
  await ada.control("leave-button").waitFor();
  await tabTo(ada, "chat-toggle");
  await keyboard.press("Enter");
  await ada.control("chat-input").waitFor();
  await tabTo(ada, "chat-input");
  await keyboard.type("Good morning");
  await keyboard.press("Enter");
  await ada.control("chat-message").filter({ hasText: "Good morning" }).waitFor();
  await tabTo(ada, "leave-button");
  await keyboard.press("Enter");
  await ada.control("leave-meeting").waitFor();
  while (!(await focused(ada, "leave-meeting"))) await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await ada.control("notice").waitFor();
  await browser.stop();
});

/** Presses Tab until the control has the focus; a trap or an unreachable control fails. */
async function tabTo(person, id) {
  for (let i = 0; i < 60; i++) {
    if (await focused(person, id)) return;
    await person.page.keyboard.press("Tab");
  }
  assert.fail(`${id} cannot be reached by Tab`);
}

function focused(person, id) {
  return person.page.evaluate((id) => Boolean(document.activeElement?.closest(`[data-testid=${id}]`)), id);
}
