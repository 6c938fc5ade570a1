// Real Firefox ESR with fake devices, driven over WebDriver BiDi.

import puppeteer from "puppeteer-core";

export class Firefox {
  static async start({ preferences = {} } = {}) {
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: "/usr/bin/firefox-esr",
      headless: true,
      acceptInsecureCerts: true,
      extraPrefsFirefox: {
        "media.navigator.streams.fake": true,
        "media.navigator.permission.disabled": true,
        "media.getusermedia.insecure.enabled": false,
        "media.autoplay.default": 0,
        "media.autoplay.blocking_policy": 0,
        // Firefox's own services have no place in a network namespace.
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        "media.gmp-manager.updateEnabled": false,
        "media.gmp-provider.enabled": false,
        ...preferences,
      },
    });
    return new Firefox(browser);
  }

  constructor(browser) {
    this.browser = browser;
  }

  newPage() {
    return this.browser.newPage();
  }

  async stop() {
    await this.browser.close();
  }
}
