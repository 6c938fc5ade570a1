// How loud a microphone is, for the moving bar beside its name.

const INTERVAL = 50
/** Quieter than this counts as silence, in dB below full scale. */
const FLOOR = -60

/** Calls `show` with 0 to 1 twenty times a second until the returned function is called. */
export function measureLevel(stream: MediaStream, show: (level: number) => void): () => void {
  const context = new AudioContext()
  const analyser = context.createAnalyser()
  analyser.fftSize = 1024
  context.createMediaStreamSource(stream).connect(analyser)
  const samples = new Float32Array(analyser.fftSize)
  let shown = 0
  const timer = setInterval(() => {
    // Browsers start a context suspended when the page has not been clicked yet.
    if (context.state === 'suspended') void context.resume().catch(() => undefined)
    analyser.getFloatTimeDomainData(samples)
    const level = levelOf(samples)
    // Up at once, down slowly: easier on the eye.
    shown = Math.max(level, shown * 0.8)
    show(shown < 0.005 ? 0 : shown)
  }, INTERVAL)
  return () => {
    clearInterval(timer)
    void context.close().catch(() => undefined)
    show(0)
  }
}

export function levelOf(samples: Float32Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
  const decibels = 10 * Math.log10(Math.max(power, 1e-12))
  return Math.min(Math.max(1 - decibels / FLOOR, 0), 1)
}
