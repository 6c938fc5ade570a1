// The documented protocol spoken by hand inside a page, without the user interface: for measurements
// of the media plane. `installRawClient` runs in the page.

export function installRawClient() {
  const PROTOCOL = 1;

  /** A canvas in one colour with something that moves, as a camera. */
  function paintedCamera(colour, width = 1280, height = 720, fps = 20) {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    let step = 0;
    setInterval(() => {
      step += 1;
      context.fillStyle = colour;
      context.fillRect(0, 0, width, height);
      context.fillStyle = "#888";
      context.fillRect((step * 17) % width, height - 80, 60, 60);
    }, 1_000 / fps);
    return canvas.captureStream(fps).getVideoTracks()[0];
  }

  function tone(hertz = 440) {
    const context = new AudioContext();
    const oscillator = new OscillatorNode(context, { frequency: hertz });
    const destination = context.createMediaStreamDestination();
    oscillator.connect(destination);
    oscillator.start();
    return destination.stream.getAudioTracks()[0];
  }

  class RawClient {
    constructor(link, name, slots = { audio: 4, video: 3 }) {
      Object.assign(this, { link, name, slots, listeners: new Set(), messages: [] });
    }

    /** hello → welcome. */
    async enter() {
      const secret = new URL(this.link).hash.slice(1);
      this.socket = new WebSocket(`wss://${location.host}/ws`);
      this.socket.onmessage = (event) => {
        const message = JSON.parse(event.data);
        message.at = performance.now();
        this.messages.push(message);
        for (const listener of [...this.listeners]) listener(message);
      };
      await new Promise((resolve, reject) => Object.assign(this.socket, { onopen: resolve, onerror: reject }));
      this.send({ type: "hello", protocol: PROTOCOL, link: secret, name: this.name });
      this.welcome = await this.next("welcome");
      return this.welcome;
    }

    send(message) {
      this.socket.send(JSON.stringify(message));
    }

    next(type, matches = () => true, limit = 10_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => done(reject, new Error(`no ${type} within ${limit} ms`)), limit);
        const done = (settle, value) => {
          clearTimeout(timer);
          this.listeners.delete(listener);
          settle(value);
        };
        const listener = (message) => {
          if (["refused", "error", "goodbye"].includes(message.type)) done(reject, new Error(JSON.stringify(message)));
          if (message.type === type && matches(message)) done(resolve, message);
        };
        this.listeners.add(listener);
      });
    }

    /** Offer, answer, and the milliseconds until ICE and DTLS are through. */
    async connect({ microphone, camera } = {}, limit = 15_000) {
      const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
      this.connection = connection;
      const uses = ["microphone", "camera", "screen", "screen_audio"];
      connection.addTransceiver(microphone ?? "audio", { direction: "sendonly" });
      connection.addTransceiver(camera ?? "video", {
        direction: "sendonly",
        sendEncodings: [
          { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150_000 },
          { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 600_000 },
          { rid: "f", maxBitrate: 2_500_000 },
        ],
      });
      connection.addTransceiver("video", { direction: "sendonly" });
      connection.addTransceiver("audio", { direction: "sendonly" });
      this.audio = [];
      this.video = [];
      for (let i = 0; i < this.slots.audio; i++) this.audio.push(connection.addTransceiver("audio", { direction: "recvonly" }));
      for (let i = 0; i < this.slots.video; i++) this.video.push(connection.addTransceiver("video", { direction: "recvonly" }));
      await connection.setLocalDescription();
      const lines = connection.getTransceivers().map((t, i) => ({ mid: t.mid, use: uses[i] ?? "slot" }));
      const answered = this.next("answer");
      this.send({ type: "offer", connection: 1, sdp: connection.localDescription.sdp, lines });
      const answer = await answered;
      const began = performance.now();
      const connected = new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${connection.iceConnectionState}/${connection.connectionState} after ${limit} ms`)), limit);
        connection.onconnectionstatechange = () => {
          if (connection.connectionState !== "connected") return;
          clearTimeout(timer);
          resolve(performance.now() - began);
        };
      });
      await connection.setRemoteDescription({ type: "answer", sdp: answer.sdp });
      return connected;
    }

    leave() {
      if (this.socket.readyState === WebSocket.OPEN) this.send({ type: "leave" });
      this.connection?.close();
      this.socket.close();
    }
  }

  window.raw = { RawClient, paintedCamera, tone };
}

/** A page of the house's origin with the client installed; nothing of the user interface runs there. */
export async function rawPage(browser, house) {
  const page = await browser.newPage();
  await page.goto(`${house.url}/healthz`);
  await page.evaluate(installRawClient);
  return page;
}
