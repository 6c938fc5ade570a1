// Every call of the box's API with thousands of bodies that the OpenAPI document allows, and that it does not: none
// is answered with a server error or otherwise than the document says. Schemathesis makes them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { House } from "../lib/house.mjs";
import { oneTimePassword } from "../lib/one-time-password.mjs";

const DOCUMENT = new URL("../../../docs/openapi.json", import.meta.url).pathname;
const PASSWORD = "a sentence that is easy to remember";
/** What would end the session that asks. */
const ENDING = ["/api/box/sign-out", "/api/box/password"];

test("the API keeps to its OpenAPI document", async () => {
  const house = await House.start();
  try {
    const session = await administrator(house);
    const { code, said } = await schemathesis(house, session);
    assert.equal(code, 0, said);
    // Not everything was refused because nobody was signed in.
    const { body } = await call(house, "GET", "session", undefined, session);
    assert.equal(body.account?.name, "ada");
  } finally {
    await house.stop();
  }
});

/** Cookie and token of an administrator of a box that has been set up. */
async function administrator(house) {
  const setup = await enter(house, "setup", { code: house.setup_code });
  const account = { name: "ada", password: PASSWORD, role: "administrator" };
  const { body } = await call(house, "POST", "accounts", account, setup);
  const confirm = { name: "ada", code: oneTimePassword(body.secret) };
  await call(house, "POST", "accounts/confirm", confirm, setup);
  await call(house, "POST", "setup/finish", undefined, setup);
  const code = oneTimePassword(body.secret, Date.now() / 1000 + 30);
  return enter(house, "sign-in", { name: "ada", password: PASSWORD, code });
}

async function enter(house, path, typed) {
  const { headers, body } = await call(house, "POST", path, typed);
  return { cookie: headers["set-cookie"][0].split(";")[0], "x-csrf-token": body.csrf_token };
}

function call(house, method, path, body, session = {}) {
  const headers = { origin: house.url, "content-type": "application/json", ...session };
  return new Promise((resolve, reject) => {
    const options = { method, headers, ca: readFileSync(house.ca_file) };
    const asked = request(`${house.url}/api/box/${path}`, options, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("end", () => {
        const text = Buffer.concat(pieces).toString();
        if (answer.statusCode >= 300) reject(new Error(`${path}: ${answer.statusCode} ${text}`));
        else resolve({ headers: answer.headers, body: JSON.parse(text) });
      });
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function schemathesis(house, session) {
  const folder = process.env.PLENUM_SCHEMATHESIS;
  if (!folder) throw new Error("PLENUM_SCHEMATHESIS is not set: run the suites with `cargo xtask test browser`");
  const checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
  const options = ["run", DOCUMENT, "--url", house.url, "--tls-verify", house.ca_file, "--checks", checks];
  options.push("--phases", "examples,coverage,fuzzing", "--max-examples", "40", "--seed", "7", "--no-color");
  options.push("--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", "--workers", "1");
  for (const path of ENDING) options.push("--exclude-path", path);
  for (const [name, value] of Object.entries({ ...session, origin: house.url })) {
    options.push("--header", `${name}: ${value}`);
  }
  const child = spawn(join(folder, "bin/schemathesis"), options, {
    // It leaves a folder of its own where it stands.
    cwd: dirname(house.ca_file),
    env: { ...process.env, PYTHONPATH: folder },
  });
  let said = "";
  child.stdout.on("data", (piece) => (said += piece));
  child.stderr.on("data", (piece) => (said += piece));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, said: said.slice(-20_000) }));
  });
}
