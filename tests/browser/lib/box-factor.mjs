// Somebody who has lost the device replaces the second factor of their own account by means of an emergency code.

import { PASSWORD } from "./box-api.mjs";

/** Gives the new secret. */
export async function renewSecondFactor(box) {
  const left = (count) => box.page.locator(`[data-testid="codes-left"][data-left="${count}"]`).waitFor();
  await left(10);
  await box.control("renew").click();
  await box.control("renew-go").click();
  await box.control("form-error").waitFor();
  await box.check("new second factor without a proof");
  await box.control("renew-cancel").click();
  await box.control("renew").click();
  await box.control("renew-password").fill(PASSWORD);
  await box.control("renew-code").fill(box.emergencyCode);
  await box.control("renew-go").click();
  await left(9);
  const secret = await box.factor();
  await left(10);
  await box.check("second factor that was replaced");
  return secret;
}
