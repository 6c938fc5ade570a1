// Runs in every page before its own scripts: remembers peer connections for getStats, reports violations.

export function instrument() {
  const connections = [];
  window.plenumTest = { connections };
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(...options) {
      super(...options);
      connections.push(this);
    }
  };
  addEventListener("securitypolicyviolation", (event) => {
    console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI}`);
  });

  const open = () => connections.filter((connection) => connection.connectionState !== "closed");

  /** Every report of a type, over all open connections. */
  window.plenumTest.reports = async (type) => {
    const found = [];
    for (const connection of open()) {
      for (const report of (await connection.getStats()).values()) {
        if (report.type === type) found.push(report);
      }
    }
    return found;
  };

  /** Tracks of this kind that open connections receive. */
  window.plenumTest.remoteTracks = (kind) =>
    open().flatMap((connection) => connection.getReceivers().map(({ track }) => track).filter((track) => track.kind === kind));

  /** What each tile really shows: person, source, size, and frames decoded so far. */
  window.plenumTest.tiles = () =>
    [...document.querySelectorAll("[data-testid=tile]")].map((tile) => {
      const video = tile.querySelector("video");
      const quality = video?.getVideoPlaybackQuality();
      return {
        person: Number(tile.dataset.person),
        source: tile.dataset.source,
        own: tile.dataset.own === "true",
        playing: Boolean(video && !video.paused && video.readyState >= 2),
        width: video?.videoWidth ?? 0,
        height: video?.videoHeight ?? 0,
        frames: quality ? quality.totalVideoFrames : 0,
      };
    });
}
