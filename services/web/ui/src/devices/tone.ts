/** Two gentle rising notes on the given output; resolves when they have ended. */
export async function playTone(speaker: string | undefined): Promise<void> {
  const context = new AudioContext()
  const audio = new Audio()
  try {
    const output = context.createMediaStreamDestination()
    // An <audio> element, because only that can choose its output in every browser.
    audio.srcObject = output.stream
    if (speaker !== undefined && 'setSinkId' in audio) void audio.setSinkId(speaker).catch(() => undefined)
    note(context, output, 523.25, 0)
    note(context, output, 783.99, 0.35)
    // Without any output at all a browser may never start: then it is over as well.
    void context.resume().catch(() => undefined)
    void audio.play().catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
  } finally {
    audio.pause()
    audio.srcObject = null
    void context.close().catch(() => undefined)
  }
}

function note(context: AudioContext, output: AudioNode, frequency: number, after: number): void {
  const start = context.currentTime + 0.05 + after
  const oscillator = new OscillatorNode(context, { frequency })
  const gain = new GainNode(context, { gain: 0 })
  gain.gain.setValueAtTime(0, start)
  gain.gain.linearRampToValueAtTime(0.3, start + 0.03)
  gain.gain.exponentialRampToValueAtTime(0.001, start + 0.6)
  oscillator.connect(gain).connect(output)
  oscillator.start(start)
  oscillator.stop(start + 0.65)
}
