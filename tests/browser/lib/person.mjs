// Somebody in a meeting: a page, and what a person does and sees there.

import { until } from "./until.mjs";

export class Person {
  constructor(browser, page, name) {
    Object.assign(this, { browser, page, name });
  }

  control(id) {
    return this.page.getByTestId(id);
  }

  async open(link) {
    await this.page.goto(link);
    await this.control("name-input").waitFor();
  }

  /** Opens a link, gives the name, optionally switches devices on, and joins. */
  async join(link, { microphone = false, camera = false } = {}) {
    await this.open(link);
    await this.control("name-input").fill(this.name);
    if (microphone) await this.toggle("mic-toggle", true);
    if (camera) await this.toggle("camera-toggle", true);
    await this.control("join-button").click();
    await this.control("leave-button").waitFor();
    return this;
  }

  async toggle(id, on) {
    const button = this.control(id);
    if ((await button.getAttribute("aria-pressed")) !== String(on)) await button.click();
    await until(`${id} ${on}`, async () => (await button.getAttribute("aria-pressed")) === String(on));
  }

  tiles() {
    return this.page.evaluate(() => window.plenumTest.tiles());
  }

  /** Tiles of others that show a moving picture. */
  async pictures(source = "camera") {
    return (await this.tiles()).filter((tile) => !tile.own && tile.source === source && tile.playing && tile.width > 0);
  }

  reports(type) {
    return this.page.evaluate((type) => window.plenumTest.reports(type), type);
  }

  /** Sound heard so far: the energy over all audio slots. */
  async energy() {
    const reports = await this.reports("inbound-rtp");
    return reports.filter((r) => r.kind === "audio").reduce((sum, r) => sum + (r.totalAudioEnergy ?? 0), 0);
  }

  /** Frames decoded so far, over all video slots. */
  async frames() {
    const reports = await this.reports("inbound-rtp");
    return reports.filter((r) => r.kind === "video").reduce((sum, r) => sum + (r.framesDecoded ?? 0), 0);
  }

  /** The ends of the pair that sound and picture take; media may be ahead of the answer that nominates it. */
  async chosenPair() {
    const pair = await until(`${this.name}'s pair is nominated`, async () => {
      const pairs = await this.reports("candidate-pair");
      return pairs.find((pair) => pair.nominated && pair.state === "succeeded");
    });
    const local = (await this.reports("local-candidate")).find((c) => c.id === pair.localCandidateId);
    const remote = (await this.reports("remote-candidate")).find((c) => c.id === pair.remoteCandidateId);
    return { local, remote };
  }

  /** Waits until sound arrives. */
  async hears(limit) {
    const before = await this.energy();
    await until(`${this.name} hears`, async () => (await this.energy()) > before + 0.001, limit);
  }

  /** Waits until this many other people's pictures move. */
  seesPeople(count, limit) {
    return until(
      `${this.name} sees ${count}`,
      async () => (await this.pictures()).filter((tile) => tile.frames > 0).length >= count,
      limit,
    );
  }
}
