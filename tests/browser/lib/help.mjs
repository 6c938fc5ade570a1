// The operations manual in the user interface, as it stands in docs/operations.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const MANUAL = join(import.meta.dirname, "../../../docs/operations");

/** Which page explains which area of the administration. */
const AREAS = {
  overview: "troubleshooting",
  history: "monitoring",
  rooms: "rooms",
  network: "network",
  name: "network",
  time: "emergency",
  institution: "first-meeting",
  mail: "monitoring",
  updates: "updates",
  backup: "backup",
  logs: "troubleshooting",
  accounts: "accounts",
};

/** The pages in the order of the list: `{ page, title }`. */
export function manualPages(language) {
  const list = readFileSync(join(MANUAL, "README.md"), "utf8");
  return [...list.matchAll(/^\| \[(.+)\]\((\w+)\/([\w-]+)\.md\)/gm)]
    .filter(([, , of]) => of === language)
    .map(([, title, , page]) => ({ page, title }));
}

/** The headings below the title, without what only Markdown needs. */
export function manualHeadings(language, page) {
  const text = readFileSync(join(MANUAL, language, `${page}.md`), "utf8").replaceAll(/^```[^]*?^```$/gm, "");
  return [...text.matchAll(/^##+ (.+)$/gm)].map(([, heading]) => heading.replaceAll("`", ""));
}

/** Waits until a page of the manual is there, with its heading. */
export async function shows(page, topic, language) {
  const help = page.locator(`[data-testid="help"][data-topic="${topic}"]`);
  const title = manualPages(language).find((one) => one.page === topic).title;
  await help.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
  assert.equal(await page.locator("h1").count(), 1);
  assert.equal(await page.title(), `${title} – Plenum`);
}

/** A link to help opens a tab of its own; gives it once it shows `topic`. */
export async function followHelp(box, link, topic) {
  const language = await box.page.evaluate(() => document.documentElement.lang);
  const [help] = await Promise.all([box.page.waitForEvent("popup"), link.click()]);
  await shows(help, topic, language);
  return help;
}

/** Of somebody who is signed in: the link of every area leads to the page that explains it, at the right place. */
export async function helpOfEveryArea(box) {
  const links = box.page.locator('[data-testid^="area-"]');
  await links.first().waitFor();
  const areas = await links.evaluateAll((all) => all.map((link) => link.dataset.testid.slice("area-".length)));
  assert.deepEqual(areas, Object.keys(AREAS));
  for (const area of areas) {
    await box.area(area);
    const help = await followHelp(box, box.control("help-link").first(), AREAS[area]);
    // Whoever comes by an anchor goes on reading at its heading.
    const anchor = new URL(help.url()).hash.slice(1);
    await help.waitForFunction((id) => !id || document.activeElement?.id === id, anchor);
    await help.close();
  }
}
