// A house, and two browsers: one beside it, and one in a network behind a firewall.

import { Chromium } from "./chromium.mjs";
import { ClientNetwork } from "./client-network.mjs";
import { House } from "./house.mjs";

export class TwoNetworks {
  /** @param {{ from: string, to: string }} [translated] as a network of a client takes it */
  static async start(translated) {
    const both = new TwoNetworks();
    try {
      both.house = await House.start();
      both.network = await ClientNetwork.start(new URL(both.house.url).port, translated);
      both.far = await Chromium.start(both.house, { wrapper: both.network.wrapper("/usr/bin/chromium") });
      both.near = await Chromium.start(both.house, { hertz: 700 });
    } catch (error) {
      await both.stop();
      throw error;
    }
    return both;
  }

  /** Ada beside the house and Berta behind the firewall, in a meeting, once they see and hear each other. */
  async meet() {
    const ada = await (await this.near.person("Ada")).join(this.house.hostLink, { microphone: true, camera: true });
    const berta = await (await this.far.person("Berta")).join(this.house.guestLink, { microphone: true, camera: true });
    for (const person of [ada, berta]) {
      await person.seesPeople(1, 30_000);
      await person.hears();
    }
    return [ada, berta];
  }

  async stop() {
    await this.far?.stop();
    await this.near?.stop();
    this.network?.stop();
    await this.house?.stop();
  }
}
