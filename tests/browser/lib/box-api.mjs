// The box's JSON API as a page of its own would ask it, for suites that are about something else than its pages.

import { readFileSync } from "node:fs";
import { request } from "node:https";
import { oneTimePassword } from "./one-time-password.mjs";

export const PASSWORD = "a sentence that is easy to remember";

/**
 * Sets a box up, with an administrator of this name, and gives their second factor. `settings` are put by area before
 * the set-up ends.
 */
export async function setUp(house, name, settings = {}) {
  return (await setUpWith(house, { [name]: "administrator" }, settings))[name];
}

/** With accounts of these names and roles; gives their second factors by name. */
export async function setUpWith(house, roles, settings = {}) {
  const setup = await enter(house, "setup", { code: house.setup_code });
  for (const [area, wanted] of Object.entries(settings)) {
    await call(house, "PUT", `settings/${area}`, { revision: 0, ...wanted }, setup);
  }
  const secrets = {};
  for (const [name, role] of Object.entries(roles)) {
    const { body } = await call(house, "POST", "accounts", { name, password: PASSWORD, role }, setup);
    await call(house, "POST", "accounts/confirm", { name, code: oneTimePassword(body.secret) }, setup);
    secrets[name] = body.secret;
  }
  await call(house, "POST", "setup/finish", undefined, setup);
  return secrets;
}

/** Sets a box up and tells it that a router translates this address. */
export async function putBehindNat(house, address) {
  const session = await signIn(house, "ada", await setUp(house, "ada"));
  const { body: settings } = await call(house, "GET", "settings/network", undefined, session);
  await call(house, "PUT", "settings/network", { ...settings, public_addresses: [address] }, session);
  await call(house, "POST", "settings/network/confirm", { token: "" }, session);
}

/** Cookie and token. */
export function signIn(house, name, secret) {
  // The one for the half minute to come is taken as well, and it has not been used.
  const code = oneTimePassword(secret, Date.now() / 1000 + 30);
  return enter(house, "sign-in", { name, password: PASSWORD, code });
}

async function enter(house, path, typed) {
  const { headers, body } = await call(house, "POST", path, typed);
  return { cookie: headers["set-cookie"][0].split(";")[0], "x-csrf-token": body.csrf_token };
}

export function call(house, method, path, body, session = {}) {
  const headers = { origin: house.url, "content-type": "application/json", ...session };
  return new Promise((resolve, reject) => {
    const options = { method, headers, ca: readFileSync(house.ca_file), agent: false };
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
