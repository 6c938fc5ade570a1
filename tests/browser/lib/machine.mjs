// The booted image as the house of a suite: started by `cargo xtask test boot`, which also lends a hand to
// whoever pulls its cable or asks its shell.

import { createConnection } from "node:net";
import { createInterface } from "node:readline";
import { until } from "./until.mjs";

/** Behind its label alone: at the start the kernel writes there, too, and UUIDs have such groups. */
const CODE = /(?:Setup code|Einrichtungscode):[^0-9A-Z]+([2-9A-Z]{4}-[2-9A-Z]{4})\b/;
/** The machine is emulated. */
const DISPLAY_LIMIT = 120_000;

export class Machine {
  static async join() {
    const told = process.env.PLENUM_MACHINE;
    if (!told) throw new Error("PLENUM_MACHINE is not set: run this suite with `cargo xtask test boot`");
    const links = JSON.parse(told);
    const hands = createConnection(links.hands);
    await new Promise((resolve, reject) => hands.once("connect", resolve).once("error", reject));
    return new Machine(hands, links);
  }

  constructor(hands, links) {
    Object.assign(this, links, { connection: hands });
    this.answers = createInterface({ input: hands })[Symbol.asyncIterator]();
  }

  get hostLink() {
    return this.host_link;
  }

  get guestLink() {
    return this.guest_link;
  }

  /** What a command line prints in the machine's shell. */
  shell(line) {
    return this.#ask({ shell: line });
  }

  /** The first virtual terminal as text. */
  display() {
    return this.shell("tr -cd '[:print:]' < /dev/vcs1");
  }

  /** Waits until `there` is satisfied with the display. */
  async shows(what, there) {
    let shown = "";
    try {
      await until(`the display shows ${what}`, async () => there((shown = await this.display())), DISPLAY_LIMIT);
    } catch (cause) {
      throw new Error(`no ${what} on the display, which shows: ${shown}`, { cause });
    }
  }

  /** Waits for the code on the display. */
  readSetupCode() {
    return this.shows("setup code", (shown) => (this.setup_code = CODE.exec(shown)?.[1]));
  }

  /** Pulls or plugs the machine's cable. */
  link(up) {
    return this.#ask({ link: up });
  }

  /** Cuts its power, and waits until it is there again. */
  cut() {
    return this.#ask({ off: "cut" });
  }

  /** Waits until it has restarted by itself. */
  restarted() {
    return this.#ask({ off: "by itself" });
  }

  async #ask(question) {
    this.connection.write(`${JSON.stringify(question)}\n`);
    const { value } = await this.answers.next();
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(answer.error);
    return answer.ok;
  }

  stop() {
    this.connection.destroy();
  }
}
