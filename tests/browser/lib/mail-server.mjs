// A mail server of the institution: with a login, and a certificate of its own authority.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ADDRESS } from "./house.mjs";
import { until } from "./until.mjs";

const SCRIPT = new URL("./mail-server.py", import.meta.url).pathname;

export class MailServer {
  address = ADDRESS;
  user = "plenum";
  password = "a password of the mail server";
  mails = [];

  static async start() {
    const packages = process.env.PLENUM_SCHEMATHESIS;
    if (!packages) throw new Error("PLENUM_SCHEMATHESIS is not set: run the suites with `cargo xtask test browser`");
    const server = new MailServer();
    server.folder = mkdtempSync(join(tmpdir(), "plenum-mail-"));
    const { chain, key, authority } = certificate(server.folder);
    server.authority = readFileSync(authority, "utf8");
    const options = [SCRIPT, ADDRESS, chain, key, server.user, server.password];
    const env = { ...process.env, PYTHONPATH: packages };
    server.child = spawn("python3", ["-W", "ignore", ...options], { stdio: ["pipe", "pipe", "inherit"], env });
    const lines = createInterface({ input: server.child.stdout });
    server.ports = await new Promise((resolve, reject) => {
      lines.once("line", (line) => resolve(JSON.parse(line)));
      server.child.once("error", reject);
      server.child.once("exit", (code) => reject(new Error(`the mail server ended with ${code}`)));
    });
    lines.on("line", (line) => server.mails.push(JSON.parse(line)));
    return server;
  }

  /** The next mail to this address, which the server forgets. */
  async mailTo(address) {
    const at = () => this.mails.findIndex((mail) => mail.to.includes(address));
    await until(`a mail to ${address}`, () => at() >= 0);
    return this.mails.splice(at(), 1)[0];
  }

  async stop() {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.stdin.end();
    await ended;
    rmSync(this.folder, { recursive: true });
  }
}

function certificate(folder) {
  const [authority, authorityKey] = [join(folder, "ca.pem"), join(folder, "ca.key")];
  const [request, chain, key] = [join(folder, "request.pem"), join(folder, "chain.pem"), join(folder, "server.key")];
  const openssl = (...options) => execFileSync("openssl", options, { stdio: "ignore" });
  const make = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...make, "-keyout", authorityKey, "-out", authority, "-subj", "/CN=Authority", "-days", "2");
  openssl("req", ...make, "-keyout", key, "-out", request, "-subj", "/CN=Mail");
  const extensions = join(folder, "extensions");
  writeFileSync(extensions, `subjectAltName=IP:${ADDRESS},DNS:localhost\n`);
  const by = ["-CA", authority, "-CAkey", authorityKey, "-CAcreateserial", "-days", "2", "-extfile", extensions];
  openssl("x509", "-req", "-in", request, ...by, "-out", chain);
  return { chain, key, authority };
}
