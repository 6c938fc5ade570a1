// An administrator gives the box a mail server, and has it send a test mail.

import assert from "node:assert/strict";

export class MailPage {
  constructor(box) {
    Object.assign(this, { box, control: box.control, page: box.page });
  }

  /** A wrong password and a server that cannot prove who it is are told apart; then the mail really arrives. */
  async tryOut(server) {
    await this.box.area("mail");
    await this.control("mail-server").fill(server.address);
    await this.control("mail-port").fill(String(server.ports.tls));
    await this.control("mail-user").fill(server.user);
    await this.control("mail-save").click();
    await this.control("form-error").waitFor();
    await this.box.check("mail without a password");
    await this.control("mail-password").fill("wrong");
    await this.control("mail-sender").fill("plenum@example.org");
    await this.control("mail-recipients").fill("it@example.org, night@example.org");
    await this.control("mail-save").click();
    await this.control("mail-test-send").waitFor();
    await this.send("certificate_not_trusted", "it@example.org");
    await this.box.check("mail to a server that is not trusted");
    await this.control("mail-authorities").locator("xpath=ancestor::details").locator("summary").click();
    await this.control("mail-authorities").fill(server.authority);
    await this.control("mail-password").fill("wrong");
    await this.send("login_refused", "it@example.org");
    await this.control("mail-password").fill(server.password);
    await this.send("sent", "it@example.org");
    const first = await server.mailTo("it@example.org");
    assert.equal(first.from, "plenum@example.org");
    assert.ok(first.encrypted && first.text.includes("Diese E-Mail zeigt"), first.text);
    await this.box.check("mail that was sent");
    // By STARTTLS, on another port, with the stored password.
    await this.control("mail-encryption").selectOption("start_tls");
    await this.send("tls_failed", "ada@example.org");
    await this.control("mail-port").fill(String(server.ports.start_tls));
    await this.send("sent", "ada@example.org");
    assert.ok((await server.mailTo("ada@example.org")).encrypted);
    await this.send("recipient_refused", "nobody@example.org");
    await this.box.check("mail to somebody whom the server does not know");
    await this.page.reload();
    await this.control("mail-server").waitFor();
    assert.equal(await this.control("mail-password").inputValue(), "");
  }

  async send(outcome, recipient) {
    await this.control("mail-test-recipient").fill(recipient);
    await this.control("mail-test-send").click();
    const result = this.page.locator(`[data-testid="mail-test-result"][data-outcome="${outcome}"]`);
    await result.waitFor();
  }
}
