// What people do between the lines of the manual: they fill in what a step asks for.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PASSWORD } from "./box-api.mjs";
import { Instructions } from "./manual.mjs";
import { until } from "./until.mjs";

export const NAME = "ada@example.org";

/** The texts of the user interface, by their names. */
export function texts(language) {
  return JSON.parse(readFileSync(join(import.meta.dirname, `../../../services/web/ui/messages/${language}.json`), "utf8"));
}

const headings = {
  de: { setUp: "Einrichten", meeting: "Die erste Konferenz", backUp: "Sichern", restore: "Wiederherstellen", update: "Einspielen", back: "Zurück zur vorigen Version", reset: "Zurücksetzen im Browser" },
  en: { setUp: "Setting up", meeting: "The first meeting", backUp: "Backing up", restore: "Restoring", update: "Installing", back: "Back to the former version", reset: "Resetting in the browser" },
};

/** From the code to the end. Gives what people have noted: the key of the backups and the second factor. */
export async function setUp(box, language) {
  const t = texts(language);
  const instructions = new Instructions(language, "first-meeting", headings[language].setUp);
  await box.page.goto(`${box.house.url}/setup`);
  const told = {};
  const done = (id, state) => box.page.locator(`[data-testid="${id}"][data-state="${state}"]`).waitFor();
  const before = [
    [t.box_setup_begin, () => box.control("setup-code").fill(box.house.setup_code)],
    [t.restore_fresh],
    [t.box_next, () => box.step("network")],
    [t.box_next, () => box.step("time")],
    [t.box_account_next, async () => {
      await box.step("administrator");
      await box.fillAccount(NAME);
    }],
    [t.box_factor_confirm, async () => (told.secret = await box.fillFactor())],
    [t.box_next, () => box.step("name")],
    [t.box_next, () => box.pastOpenPoints(box.control("certificate-shown"))],
    [t.box_next, async () => {
      await box.step("institution");
      await box.control("institution-name").fill("Unfallversicherung Nord");
    }],
    [t.box_next, () => box.step("mail")],
    [t.box_next, () => box.step("updates")],
    [t.check_run, () => box.step("test")],
    [t.check_print, async () => {
      await done("self-test", "done");
      await box.page.evaluate(() => (window.print = () => {}));
    }],
    [t.test_call_begin],
    [t.box_next, () => done("test-call", "seen")],
  ];
  const noted = async (id) => {
    const key = (await box.control(id).getByTestId("key-text").textContent()).trim();
    await box.control("key-last").fill(key.split("-").at(-1));
    return key;
  };
  await instructions.follow(box.page, { first: 4, last: 13, before });
  if (box.house.hands) {
    const recovery = [[t.box_key_noted, () => noted("recovery-key")]];
    await instructions.follow(box.page, { first: 14, last: 14, before: recovery });
  }
  await instructions.follow(box.page, {
    first: 15,
    last: 17,
    before: [
      [t.box_key_noted, async () => (told.key = await noted("backup-key"))],
      [t.box_host_key_show],
      [t.box_finish, async () => (told.hostKey = await box.control("box-host-key").inputValue())],
    ],
  });
  await box.step("over");
  return told;
}

/** Opens a meeting with the key of the box, and joins it. */
export async function firstMeeting(box, language, { hostKey }) {
  const t = texts(language);
  const instructions = new Instructions(language, "first-meeting", headings[language].meeting);
  await box.page.goto(box.house.url);
  await instructions.follow(box.page, {
    first: 2,
    before: [
      [t.create_meeting, async () => {
        await box.control("title-input").fill("Manual");
        await box.control("host-key-input").fill(hostKey);
      }],
      [t.join_now],
    ],
  });
  await box.control("join-button").waitFor();
}

/** As an administrator who has signed in; gives the two files. */
export async function backUp(box, language, folder) {
  const t = texts(language);
  const instructions = new Instructions(language, "backup", headings[language].backUp);
  const files = {};
  const saving = (name) => {
    box.page.once("download", async (download) => {
      const path = join(folder, download.suggestedFilename());
      await download.saveAs(path);
      files[name] = path;
    });
  };
  let rows = 0;
  const way = [t.box_admin_title, t.box_backup, t.backup_make].join(" → ");
  await instructions.follow(box.page, {
    before: [
      [way, async () => {
        await box.area("backup");
        await box.control("backup-row").first().waitFor();
        rows = await box.control("backup-row").count();
      }],
      [t.backup_save, async () => {
        await until("there is one more", async () => (await box.control("backup-row").count()) > rows);
        saving("backup");
      }],
      [t.backup_deletions, async () => {
        await until("the backup is saved", () => files.backup);
        saving("deletions");
      }],
    ],
  });
  await until("the list is saved", () => files.deletions);
  return files;
}

/** At another box, beyond its network, and whether its people are there. */
export async function restore(box, language, { backup, deletions, key }) {
  const t = texts(language);
  const instructions = new Instructions(language, "backup", headings[language].restore);
  await box.enter();
  await instructions.follow(box.page, {
    before: [
      [t.restore_begin],
      [t.restore_go, async () => {
        await box.control("restore-file").setInputFiles(backup);
        await box.control("restore-key").fill(key);
        await box.control("restore-deletions").setInputFiles(deletions);
      }],
      [t.box_next, async () => {
        const text = await box.control("restored").textContent();
        assert.match(text, /: 1;/, text);
      }],
      [t.box_next, () => box.step("network")],
    ],
  });
  await box.step("mail");
}

/** Installs a file. `restarted` waits until the box has started again, and `file` is `plenum-VERSION.update`. */
export async function update(box, language, file, { secret }, restarted) {
  const t = texts(language);
  const instructions = new Instructions(language, "updates", headings[language].update);
  await box.page.goto(`${box.house.url}/admin`);
  await box.signIn(NAME, secret);
  const way = [t.box_admin_title, t.box_updates].join(" → ");
  const choose = [t.box_update_send, async () => {
    await box.check("updates from a file");
    await box.control("update-file").setInputFiles(file);
  }];
  await instructions.follow(box.page, { last: 2, before: [[way], choose] });
  const ready = async () => {
    await box.page.locator('[data-testid="update-state"][data-state="ready-to-restart"]').waitFor();
    await box.check("an update is ready");
  };
  await instructions.follow(box.page, { first: 5, last: 5, before: [[t.box_update_restart, ready]] });
  await restarted();
  await instructions.follow(box.page, { first: 6, before: [] });
  await box.page.goto(`${box.house.url}/admin`);
  await box.signIn(NAME, secret);
  await box.area("updates");
  const [version] = /\d+\.\d+\.\d+/.exec(file);
  await box.page.getByText(t.update_last_good.replace("{version}", version)).waitFor();
}

/** To the version before `version`. */
export async function goBack(box, language, version, { secret }, restarted) {
  const t = texts(language);
  const instructions = new Instructions(language, "updates", headings[language].back);
  const way = [t.box_updates, t.box_update_rollback].join(" → ");
  await instructions.follow(box.page, { last: 1, before: [[way]] });
  await box.control("confirm").click();
  await instructions.follow(box.page, { first: 2, last: 2, before: [] });
  await restarted();
  await box.page.goto(`${box.house.url}/admin`);
  await box.signIn(NAME, secret);
  await box.area("updates");
  await box.page.getByText(t.update_last_went_back.replace("{version}", version)).waitFor();
}

/** By an administrator who has signed in. `refused` tries what is not taken, before. */
export async function resetToFactory(box, language, { secret }, refused) {
  const t = texts(language);
  const instructions = new Instructions(language, "factory-reset", headings[language].reset);
  const way = [t.box_admin_title, t.box_overview, t.factory_reset].join(" → ");
  const prove = async () => {
    await refused();
    await box.control("factory-reset-name").fill("Plenum");
    await box.control("factory-reset-password").fill(PASSWORD);
    await box.control("factory-reset-code").fill(await box.code(secret));
  };
  await instructions.follow(box.page, { before: [[way], [t.factory_reset_go, prove]] });
  await box.control("factory-reset-ordered").waitFor({ state: "attached" });
}
