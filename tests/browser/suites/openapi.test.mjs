// Every call of the box's API with thousands of bodies that the OpenAPI document allows, and that it does not: none
// is answered with a server error or otherwise than the document says. Schemathesis makes them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { call, setUp, signIn } from "../lib/box-api.mjs";
import { House } from "../lib/house.mjs";

const DOCUMENT = new URL("../../../docs/openapi.json", import.meta.url).pathname;
/** What would end the session that asks. */
const ENDING = ["/api/box/sign-out", "/api/box/password"];

test("the API keeps to its OpenAPI document", async () => {
  const house = await House.start();
  try {
    const session = await signIn(house, "ada", await setUp(house, "ada"));
    const { code, said } = await schemathesis(house, session);
    assert.equal(code, 0, said);
    // Not everything was refused because nobody was signed in.
    const { body } = await call(house, "GET", "session", undefined, session);
    assert.equal(body.account?.name, "ada");
  } finally {
    await house.stop();
  }
});

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
