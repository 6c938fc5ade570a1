// A real ACME directory (RFC 8555): Pebble, which validates tls-alpn-01 by connecting, and asks a DNS server of the
// test for the address.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { serverCertificate } from "./certificates.mjs";
import { until } from "./until.mjs";

export class Directory {
  /**
   * @param {{ address: string, tlsPort: number, lifetime: number, binding?: { id: string, key: string } }} options
   *   where it listens; at which port names are validated; how many seconds certificates are valid; the key of the
   *   external account binding, if it wants one
   */
  static async start({ address, tlsPort, lifetime, binding }) {
    const folder = mkdtempSync(join(tmpdir(), "plenum-directory-"));
    const files = serverCertificate(folder, address);
    const [port, management, dns, names] = await Promise.all([0, 1, 2, 3].map(() => freePort()));
    const configuration = join(folder, "pebble.json");
    const pebble = {
      listenAddress: `${address}:${port}`,
      managementListenAddress: `${address}:${management}`,
      certificate: files.certificate,
      privateKey: files.key,
      httpPort: 1,
      tlsPort: Number(tlsPort),
      certificateValidityPeriod: lifetime,
      externalAccountBindingRequired: binding !== undefined,
      externalAccountMACKeys: binding ? { [binding.id]: binding.key } : {},
    };
    writeFileSync(configuration, JSON.stringify({ pebble }));
    const off = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""];
    const children = [
      run("pebble-challtestsrv", [...off, "-dns01", `${address}:${dns}`, "-management", `${address}:${names}`, "-defaultIPv4", address]),
      // Without the pauses that it makes to be like a busy one.
      run("pebble", ["-config", configuration, "-dnsserver", `${address}:${dns}`], { PEBBLE_VA_NOSLEEP: "1" }),
    ];
    const directory = new Directory(folder, children, { address, port, management, names, files });
    for (const one of [port, names]) await until("the directory runs", () => answers(address, one));
    return directory;
  }

  constructor(folder, children, { address, port, management, names, files }) {
    Object.assign(this, { folder, children, address, management, names, files });
    this.url = `https://${address}:${port}/dir`;
    this.managementUrl = `https://${address}:${management}/`;
    this.authorities = readFileSync(files.authority, "utf8");
  }

  /** A file with the root that signs what it issues. */
  async root() {
    const file = join(this.folder, "root.pem");
    const options = { ca: this.authorities, agent: false };
    const text = await new Promise((resolve, reject) => {
      const asked = request(`${this.managementUrl}roots/0`, options, (answer) => {
        let text = "";
        answer.on("data", (piece) => (text += piece));
        answer.on("end", () => resolve(text));
      });
      asked.on("error", reject);
      asked.end();
    });
    writeFileSync(file, text);
    return file;
  }

  /** Every name leads there from now on. */
  async namesLeadTo(ip) {
    const answer = await fetch(`http://${this.address}:${this.names}/set-default-ipv4`, {
      method: "POST",
      body: JSON.stringify({ ip }),
    });
    if (!answer.ok) throw new Error(`the DNS server of the test answered ${answer.status}`);
  }

  /** A server that knows nothing of the order, with the directory's own certificate. */
  listenElsewhere(host, port) {
    const [cert, key] = [this.files.certificate, this.files.key].map((file) => readFileSync(file));
    const server = createTlsServer({ cert, key, ALPNProtocols: ["acme-tls/1"] }, (socket) => socket.end());
    server.on("tlsClientError", () => {});
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(Number(port), host, () => resolve(server));
    });
  }

  said() {
    return this.children.map(({ said }) => said.join("")).join("\n");
  }

  stop() {
    for (const { child } of this.children) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function run(program, words, env = {}) {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => said.push(piece.toString()));
  child.on("error", (error) => said.push(`${program}: ${error.message}; Debian's package pebble brings it\n`));
  return { child, said };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function answers(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
