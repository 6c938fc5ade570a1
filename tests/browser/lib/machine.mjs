// The booted image as the house of a suite: started by `cargo xtask test boot`, which also lends a hand to
// whoever pulls its cable or asks its shell.

import { createConnection } from "node:net";
import { createInterface } from "node:readline";

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

  /** Pulls or plugs the machine's cable. */
  link(up) {
    return this.#ask({ link: up });
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
