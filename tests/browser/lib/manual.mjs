// The operations manual, followed step by step: what it tells people to press is pressed, and what it names has to be
// there. A page that says something else than the box does fails its suite.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

/** One numbered list of a page: `docs/operations/LANGUAGE/PAGE.md`, under `heading`. */
export class Instructions {
  constructor(language, page, heading) {
    this.where = `docs/operations/${language}/${page}.md, ${heading}`;
    const text = readFileSync(join(ROOT, `docs/operations/${language}/${page}.md`), "utf8");
    const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
    assert.ok(section, `${this.where} is there`);
    this.steps = section
      .split(/^\d+\. /m)
      .slice(1)
      .map((step) => ({ text: step.split("\n\n")[0].replaceAll(/\s+/g, " "), labels: labels(step.split("\n\n")[0]) }));
    const catalogue = JSON.parse(readFileSync(join(ROOT, `services/web/ui/messages/${language}.json`), "utf8"));
    this.said = new Set(Object.values(catalogue).filter((message) => typeof message === "string"));
  }

  /**
   * Does what the steps from `first` to `last` (from 1) say. `before` has what is to be done before a label is pressed,
   * by its text in the order of its appearance, and names so what is a control; `{ step }` is called before each step.
   * Every other label must be a text of the user interface.
   */
  async follow(page, { first = 1, last = this.steps.length, before, step = () => {} }) {
    const waiting = [...before];
    for (const { text, labels } of this.steps.slice(first - 1, last)) {
      await step(text);
      for (const label of labels) {
        const [wanted, prepare] = waiting[0] ?? [];
        if (label === wanted) {
          waiting.shift();
          await this.#do(page, label, prepare);
        } else {
          const name = label.replace(/:$/, "");
          const parts = name.split(/, | → /);
          const known = this.said.has(name) || parts.some((part) => this.said.has(part));
          assert.ok(known, `${this.where}: no text of the user interface is “${label}”, and ${wanted} was next`);
        }
      }
    }
    assert.deepEqual(waiting.map(([label]) => label), [], `${this.where} says nothing of them`);
  }

  /** Where it fails is told with what the page shows then. */
  async #do(page, label, prepare) {
    try {
      await prepare?.();
      await press(page, label);
    } catch (cause) {
      const shown = await page.locator("main").innerText({ timeout: 5_000 }).catch(String);
      throw new Error(`${this.where}: “${label}” could not be done, and the page shows:\n${shown}`, { cause });
    }
  }
}

function labels(text) {
  return [...text.matchAll(/\*\*([^*]+)\*\*/g)].map(([, label]) => label.replaceAll(/\s+/g, " "));
}

/** A way from page to page is pressed link by link; where somebody is already stands as a heading. */
async function press(page, label) {
  const way = label.split(" → ");
  for (const [index, name] of way.entries()) {
    const there = index < way.length - 1 && (await page.getByRole("heading", { name, exact: true }).first().isVisible());
    if (!there) await page.locator("button:visible, a:visible").filter({ hasText: exactly(name) }).first().click();
  }
}

function exactly(text) {
  return new RegExp(`^\\s*${text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\s*$`);
}
