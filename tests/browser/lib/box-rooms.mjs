// An administrator looks at rooms and tidies up, while people meet; an auditor reads what was done.

import assert from "node:assert/strict";
import { until } from "./until.mjs";

/** What an entry of the audit log is called when an administrator did something to a room. */
const EVENTS = ["room_created", "guest_link_replaced", "meeting_ended", "room_deleted"];

export class RoomsPage {
  /** `people`: a host and a guest, each with a page of their own. */
  constructor(box, people) {
    Object.assign(this, { box, people, control: box.control, page: box.page });
  }

  /** By number. */
  row(room) {
    return this.page.locator(`[data-testid="room-row"][data-room="${room}"]`);
  }

  /** The administrator's page is the one that is looked at. */
  async shows(room, state, people) {
    await this.page.bringToFront();
    const row = `[data-testid="room-row"][data-room="${room}"][data-state="${state}"][data-people="${people}"]`;
    await this.page.locator(row).waitFor();
  }

  async open() {
    await this.box.area("rooms");
    await this.control("room-row").first().waitFor();
    await this.box.check("rooms");
  }

  /** Gives the links, which are shown this one time. */
  async create(title) {
    const { box } = this;
    await this.control("room-add").click();
    await this.control("room-create").click();
    await this.control("form-error").waitFor();
    await box.check("room without a title");
    await this.control("room-new-title").fill(title);
    await this.control("room-create").click();
    await this.control("guest-link").waitFor();
    await box.check("links of a new room");
    const links = { guest: await this.control("guest-link").inputValue(), host: await this.control("host-link").inputValue() };
    await this.control("room-links-done").click();
    await this.page.reload();
    await this.control("room-row").first().waitFor();
    const content = await this.page.content();
    for (const link of Object.values(links)) assert.ok(!content.includes(new URL(link).hash.slice(1)));
    return links;
  }

  async find(text) {
    await this.control("rooms-search").fill(text);
    await this.control("rooms-search-go").click();
  }

  /** Asks first; gives what it says. */
  async order(room, what) {
    await this.control("room-row").filter({ has: this.page.getByText(room) }).getByTestId(`room-${what}`).click();
    const dialog = this.page.getByRole("dialog");
    await dialog.waitFor();
    await this.box.check(`rooms, ${what}`);
    const said = await dialog.textContent();
    await this.control("confirm").click();
    await dialog.waitFor({ state: "detached" });
    await this.control("toast").first().waitFor();
    return said;
  }

  /** From the first look to an empty list. */
  async tidyUp(silence) {
    const { box, control } = this;
    const [host, guest] = this.people;
    await this.open();
    const links = await this.create("Jour fixe");
    await this.find("jour FIXE");
    await until("one room is found", async () => (await control("room-row").count()) === 1);
    const room = await control("room-row").getAttribute("data-room");
    assert.equal(await box.title(new URL(links.host).hash), "Jour fixe");
    await guest.join(links.guest);
    await this.shows(room, "running", 1);
    await host.join(links.host);
    await this.shows(room, "running", 2);
    await control("rooms-running").check();
    await this.row(room).waitFor();
    await box.check("rooms where people meet");
    const told = await control("room-row").textContent();
    for (const { name } of this.people) assert.ok(!told.includes(name), told);

    await this.order(room, "replace");
    assert.equal(await box.title(new URL(links.guest).hash), undefined);
    await silence(async () => {
      await control("rooms-search-go").click();
      await control("form-error").waitFor({ timeout: 20_000 });
      await box.check("the meeting service is silent");
    });
    await control("form-error").waitFor({ state: "detached", timeout: 20_000 });
    assert.match(await this.order(room, "end"), /\b2 (Personen|people)/);
    for (const person of this.people) {
      await person.page.locator('[data-testid="notice"][data-reason="ended"]').waitFor();
    }
    await until("nobody meets any more", async () => (await control("room-row").count()) === 0);
    await box.check("no room is found");
    await this.page.reload();
    await this.shows(room, "ended", 0);
    await this.order(room, "delete");
    await this.row(room).waitFor({ state: "detached" });
    // What nobody has ended is deleted with its links.
    const { hash } = new URL(box.house.guestLink);
    assert.ok(await box.title(hash));
    const last = await control("room-row").getAttribute("data-room");
    await this.order(last, "delete");
    await this.page.locator('[data-testid="rooms"][data-found="0"]').waitFor();
    await box.check("no rooms");
    assert.equal(await box.title(hash), undefined);
    return { room, links };
  }

  /** In the auditor's page. */
  async readAudit({ room, links }) {
    await this.control("audit-row").first().waitFor();
    for (const event of EVENTS) {
      const said = await this.page.locator(`[data-testid="audit-row"][data-event="${event}"]`).allTextContents();
      assert.ok(said.some((text) => text.includes(room) && text.includes("ada")), `${event}: ${said}`);
    }
    const whole = await this.page.content();
    for (const link of Object.values(links)) assert.ok(!whole.includes(new URL(link).hash.slice(1)));
    await this.box.check("audit log with rooms");
  }
}

/** While `during` runs the daemon does not answer. */
export async function silent(house, daemon, during) {
  const pid = house.pid(daemon);
  process.kill(pid, "SIGSTOP");
  try {
    await during();
  } finally {
    process.kill(pid, "SIGCONT");
  }
}
