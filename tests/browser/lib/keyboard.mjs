// Somebody who has no mouse: whatever is clicked, filled and chosen elsewhere is reached with Tab here, and used with the
// keys that it has (AC2).

import assert from "node:assert/strict";

/** More stops than any page has. */
const MAX_STOPS = 150;
const ACTIONS = { click, fill, check, selectOption };
/** Locators that come of a locator. */
const CHAINED = ["first", "last", "nth", "filter", "locator", "getByTestId", "getByRole"];

/** `locator` as it is for somebody with a keyboard alone. */
export function byKeyboard(locator) {
  return new Proxy(locator, {
    get(target, name) {
      if (name in ACTIONS) return (value) => ACTIONS[name](target, value);
      const member = target[name];
      if (typeof member !== "function") return member;
      if (CHAINED.includes(name)) return (...args) => byKeyboard(member.apply(target, args));
      return member.bind(target);
    },
  });
}

/** With Tab, from where the focus is. `reached` says whether it is there. */
async function reach(locator, reached = (element) => element === document.activeElement) {
  await locator.waitFor({ state: "attached" });
  const page = locator.page();
  for (let stop = 0; stop < MAX_STOPS; stop++) {
    if (await locator.evaluate(reached)) {
      const visible = await locator.evaluate(() => document.activeElement.matches(":focus-visible"));
      assert.ok(visible, "whoever uses the keyboard sees where they are");
      return;
    }
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not lead to ${locator}`);
}

async function click(locator) {
  await reach(locator);
  await locator.page().keyboard.press("Enter");
}

async function fill(locator, text) {
  await reach(locator);
  const { keyboard } = locator.page();
  await keyboard.press("Control+A");
  await keyboard.press("Delete");
  await keyboard.insertText(text);
}

/** One of a group of radio buttons is a single stop: arrows move in it. */
async function check(locator) {
  const { keyboard } = locator.page();
  const isRadio = await locator.evaluate((element) => element.type === "radio");
  if (!isRadio) {
    await reach(locator);
    if (!(await locator.isChecked())) await keyboard.press("Space");
    return;
  }
  await reach(locator, (element) => element.name !== "" && document.activeElement.name === element.name);
  for (let stop = 0; stop < MAX_STOPS && !(await locator.isChecked()); stop++) await keyboard.press("ArrowDown");
}

async function selectOption(locator, value) {
  await reach(locator);
  const { keyboard } = locator.page();
  await keyboard.press("Home");
  for (let stop = 0; stop < MAX_STOPS && (await locator.inputValue()) !== value; stop++) await keyboard.press("ArrowDown");
}
