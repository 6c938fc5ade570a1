// A network of a client behind a firewall: a namespace of its own, joined to the house by a veth pair,
// from which only one TCP port gets out, and UDP to an address that the house's side translates, if there is one.

import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.mjs";

const run = (program, ...words) => execFileSync(program, words, { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });

export class ClientNetwork {
  /** @param {{ from: string, to: string }} [translated] an address of the house as it is seen from here, and its own */
  static async start(onlyTcpPort, translated) {
    const holder = spawn("unshare", ["--net", "sleep", "infinity"], { stdio: "ignore" });
    const own = run("readlink", "/proc/self/ns/net");
    await until("the namespace is there", () => {
      try {
        return run("readlink", `/proc/${holder.pid}/ns/net`) !== own;
      } catch {
        return false;
      }
    });
    const inside = (...words) => run("nsenter", `--net=/proc/${holder.pid}/ns/net`, ...words);
    run("ip", "link", "add", "client0", "type", "veth", "peer", "name", "client1", "netns", String(holder.pid));
    // Without addresses that come up a second later: Chromium breaks off what it loads when the network changes.
    run("ip", "link", "set", "client0", "addrgenmode", "none");
    inside("ip", "link", "set", "client1", "addrgenmode", "none");
    run("ip", "addr", "add", "198.19.0.1/24", "dev", "client0");
    run("ip", "link", "set", "client0", "up");
    inside("ip", "addr", "add", "198.19.0.2/24", "dev", "client1");
    inside("ip", "link", "set", "lo", "up");
    inside("ip", "link", "set", "client1", "up");
    inside("ip", "route", "add", "default", "via", "198.19.0.1");
    inside("nft", `add table inet firewall
      add chain inet firewall out { type filter hook output priority 0; policy drop; }
      add rule inet firewall out oifname "lo" accept
      add rule inet firewall out tcp dport ${onlyTcpPort} accept`);
    if (translated) {
      inside("nft", `add rule inet firewall out meta l4proto udp ip daddr ${translated.from} accept`);
      run("nft", `add table ip router
        add chain ip router in { type nat hook prerouting priority dstnat; }
        add rule ip router in iifname "client0" ip daddr ${translated.from} dnat to ${translated.to}`);
    }
    return new ClientNetwork(holder, translated !== undefined);
  }

  constructor(holder, translates) {
    this.holder = holder;
    this.translates = translates;
    this.folder = mkdtempSync(join(tmpdir(), "plenum-client-"));
  }

  /** A program that starts another one inside. */
  wrapper(program) {
    const path = join(this.folder, "program");
    writeFileSync(path, `#!/bin/sh\nexec nsenter --net=/proc/${this.holder.pid}/ns/net ${program} "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  stop() {
    this.holder.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
    if (this.translates) run("nft", "delete", "table", "ip", "router");
  }
}
