// The whole house for one test file: started by plenum-house, ended with it.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { until } from "./until.mjs";

/** The address that `in-namespace` gives; PLENUM_TEST_ADDRESS overrides it outside of one. */
export const ADDRESS = process.env.PLENUM_TEST_ADDRESS ?? "198.18.0.1";

export class House {
  /** @param {string[]} options further options of plenum-house */
  static async start(options = []) {
    const state = mkdtempSync(join(tmpdir(), "plenum-house-"));
    const program = join(binDir(), "plenum-house");
    const child = spawn(program, ["--port", "0", "--json", "--address", ADDRESS, "--state", state, ...options], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const line = await firstLine(child);
    return new House(child, state, JSON.parse(line));
  }

  constructor(child, state, links) {
    Object.assign(this, { child, state, ...links });
  }

  get hostLink() {
    return this.host_link;
  }

  get guestLink() {
    return this.guest_link;
  }

  /** Undefined between the end of a daemon and its next start. */
  pid(daemon) {
    const file = join(this.state, "run", `${daemon}.pid`);
    try {
      return Number(readFileSync(file, "utf8")) || undefined;
    } catch (error) {
      if (error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  kill(daemon) {
    const pid = this.pid(daemon);
    if (pid === undefined) throw new Error(`${daemon} does not run`);
    process.kill(pid, "SIGKILL");
  }

  /** Waits until a daemon runs that is not the one with this pid. */
  runsAgain(daemon, old) {
    return until(`${daemon} runs again`, () => {
      const pid = this.pid(daemon);
      return pid !== undefined && pid !== old;
    });
  }

  log(daemon) {
    return readFileSync(join(this.state, "log", `${daemon}.log`), "utf8");
  }

  get hostKey() {
    return readFileSync(join(this.state, "host.key"), "utf8").trim();
  }

  async stop() {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    await ended;
    if (!process.env.PLENUM_KEEP_STATE) rmSync(this.state, { recursive: true, force: true });
    else console.error(`state kept in ${this.state}`);
  }
}

export function binDir() {
  const dir = process.env.PLENUM_BIN_DIR;
  if (!dir) throw new Error("PLENUM_BIN_DIR is not set: run the suites with `cargo xtask test browser`");
  return dir;
}

function firstLine(child) {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`plenum-house ended with ${code}; its message stands above`)));
  });
}
