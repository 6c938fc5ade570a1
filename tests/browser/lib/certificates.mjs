// Certificates that an authority signs, and those that a server shows.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { connect } from "node:tls";

const openssl = (...words) => execFileSync("openssl", words, { stdio: "ignore" });

/** What an authority of the institution does with a request: here it is the house's own, which the browser trusts. */
export function sign(request, authority) {
  return inFolder((folder) => {
    const [asked, made] = [join(folder, "request.pem"), join(folder, "certificate.pem")];
    writeFileSync(asked, request);
    const key = join(dirname(authority), "ca.key");
    const by = ["-CA", authority, "-CAkey", key, "-CAcreateserial", "-CAserial", join(folder, "serial")];
    openssl("x509", "-req", "-in", asked, ...by, "-days", "30", "-copy_extensions", "copy", "-out", made);
    return readFileSync(made, "utf8") + readFileSync(authority, "utf8");
  });
}

/** An authority of its own in `folder`, and a server's certificate for an address: paths of the three files. */
export function serverCertificate(folder, address) {
  const [authority, authorityKey] = [join(folder, "authority.pem"), join(folder, "authority.key")];
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...made, "-subj", "/CN=Test authority", "-keyout", authorityKey, "-out", authority);
  const by = ["-CA", authority, "-CAkey", authorityKey, "-addext", "basicConstraints=critical,CA:FALSE"];
  const name = ["-subj", "/CN=Test server", "-addext", `subjectAltName=IP:${address}`];
  openssl("req", "-x509", ...made, ...by, ...name, "-keyout", key, "-out", certificate);
  return { authority, certificate, key };
}

/** What a new connection is shown, whoever signed it. */
export function shownCertificate(url, name) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const options = { host: hostname, port, rejectUnauthorized: false, ...(name ? { servername: name } : {}) };
    const socket = connect(options, () => {
      resolve(socket.getPeerCertificate());
      socket.end();
    });
    socket.once("error", reject);
  });
}

function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), "plenum-sign-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
