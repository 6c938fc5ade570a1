// What this client sends: microphone, camera, screen. Each knows its device and its senders.

import type { Input, InputEvent } from '../devices/input.svelte'
import { causeOf, type DeviceProblem, problem } from '../devices/problems'
import type { Source } from '../generated/protocol'

/** What a source needs of the meeting. */
export interface Outlet {
  /** Puts a track on the wire, or takes it off. */
  send(source: Source, track: MediaStreamTrack | null): Promise<void>
  /** `on` of some source has changed: the others are to be told. */
  changed(): void
  lost(device: 'microphone' | 'camera'): void
  replaced(device: 'microphone' | 'camera', label: string): void
  /** The browser's own button ended the sharing. */
  screenEnded(): void
}

/** The encoder gets a moment of silence, so that nobody hears the sound break off. */
const MUTE_TAIL = 250
/** Muted for so long, the microphone is let go of, and its light goes off. */
const RELEASE_MUTED = 30_000

/** A device that is switched on and off; what the views see of all three sources. */
abstract class LocalSource {
  on = $state(false)

  constructor(protected readonly outlet: Outlet) {}

  protected turned(on: boolean): void {
    if (this.on === on) return
    this.on = on
    this.outlet.changed()
  }
}

abstract class DeviceSource extends LocalSource {
  #wanted = false

  constructor(
    protected readonly source: 'microphone' | 'camera',
    protected readonly input: Input,
    outlet: Outlet,
  ) {
    super(outlet)
    input.onevent = (event) => this.#event(event)
  }

  get busy(): boolean {
    return this.input.busy
  }

  get problem(): DeviceProblem | undefined {
    return this.input.problem
  }

  get stream(): MediaStream | undefined {
    return this.on ? this.input.stream : undefined
  }

  /** False if it did not work: `problem` says why. */
  async turnOn(): Promise<boolean> {
    this.#wanted = true
    const track = await this.input.open('meeting')
    // Switched off again while the device was being opened.
    if (!this.#wanted) return false
    if (track === undefined) {
      this.input.close('meeting')
      return false
    }
    this.turned(true)
    await this.use(track)
    return true
  }

  async turnOff(): Promise<void> {
    this.#wanted = false
    this.turned(false)
  }

  /** For good: the meeting is over. */
  end(): void {
    this.#wanted = false
    this.on = false
    this.input.onevent = undefined
    this.input.close('meeting')
  }

  protected use(track: MediaStreamTrack): Promise<void> {
    return this.outlet.send(this.source, track)
  }

  /** The device was changed while it is held but not sent. */
  protected idle(track: MediaStreamTrack): void {
    track.enabled = false
  }

  #event(event: InputEvent): void {
    if (event.kind === 'changed') {
      if (this.on) void this.use(event.track)
      else this.idle(event.track)
      if (this.on) this.outlet.replaced(this.source, event.track.label)
    } else if (this.on) {
      void this.turnOff()
      this.outlet.lost(this.source)
    }
  }
}

export class Microphone extends DeviceSource {
  #tail: ReturnType<typeof setTimeout> | undefined
  #release: ReturnType<typeof setTimeout> | undefined

  constructor(input: Input, outlet: Outlet) {
    super('microphone', input, outlet)
  }

  override turnOn(): Promise<boolean> {
    this.#keep()
    return super.turnOn()
  }

  /** Silent at once; the device stays open for a while, so that speaking again is immediate. */
  override async turnOff(): Promise<void> {
    this.#keep()
    const { track } = this.input
    if (track !== undefined) track.enabled = false
    await super.turnOff()
    this.#tail = setTimeout(() => void this.outlet.send('microphone', null), MUTE_TAIL)
    this.#release = setTimeout(() => this.#letGo(), RELEASE_MUTED)
  }

  override end(): void {
    this.#keep()
    super.end()
  }

  protected override use(track: MediaStreamTrack): Promise<void> {
    track.enabled = true
    track.contentHint = 'speech'
    return super.use(track)
  }

  #keep(): void {
    clearTimeout(this.#tail)
    clearTimeout(this.#release)
  }

  #letGo(): void {
    // Where the browser would ask again, an open microphone is the lesser evil.
    if (this.input.permission === 'granted') this.input.close('meeting')
  }
}

export class Camera extends DeviceSource {
  constructor(input: Input, outlet: Outlet) {
    super('camera', input, outlet)
  }

  override async turnOff(): Promise<void> {
    await super.turnOff()
    this.input.close('meeting')
    await this.outlet.send('camera', null)
  }

  protected override use(track: MediaStreamTrack): Promise<void> {
    track.contentHint = 'motion'
    return super.use(track)
  }
}

export class Screen extends LocalSource {
  busy = $state(false)
  problem = $state.raw<DeviceProblem | undefined>()
  stream = $state.raw<MediaStream | undefined>()

  /** Sound comes along where the browser can capture it and the user ticks the box. */
  get withSound(): boolean {
    return this.on && (this.stream?.getAudioTracks().length ?? 0) > 0
  }

  /** False if it did not work, or if the user thought better of it. */
  async turnOn(): Promise<boolean> {
    if (this.on || this.busy) return this.on
    this.busy = true
    this.problem = undefined
    try {
      const stream = await requestScreen()
      await this.#use(stream)
      this.turned(true)
      return true
    } catch (error) {
      this.problem = screenProblem(error)
      return false
    } finally {
      this.busy = false
    }
  }

  async turnOff(): Promise<void> {
    this.end()
    this.outlet.changed()
    await Promise.all([this.outlet.send('screen', null), this.outlet.send('screen_audio', null)])
  }

  end(): void {
    this.on = false
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null
      track.stop()
    }
    this.stream = undefined
  }

  async #use(stream: MediaStream): Promise<void> {
    const [picture] = stream.getVideoTracks()
    const [sound] = stream.getAudioTracks()
    if (picture === undefined) throw new DOMException('no picture', 'NotReadableError')
    this.stream = stream
    picture.contentHint = 'detail'
    picture.onended = () => this.outlet.screenEnded()
    if (sound !== undefined) sound.contentHint = 'music'
    await Promise.all([this.outlet.send('screen', picture), this.outlet.send('screen_audio', sound ?? null)])
  }
}

/** Not all of it is known to TypeScript's library, nor to every browser; unknown members are ignored. */
interface ScreenOptions extends DisplayMediaStreamOptions {
  systemAudio?: 'include' | 'exclude'
  surfaceSwitching?: 'include' | 'exclude'
  selfBrowserSurface?: 'include' | 'exclude'
}

function requestScreen(): Promise<MediaStream> {
  const options: ScreenOptions = {
    video: { frameRate: { ideal: 30, max: 30 } },
    // Echo cancellation and the like would spoil music and films.
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    systemAudio: 'include',
    surfaceSwitching: 'include',
    selfBrowserSurface: 'exclude',
  }
  return navigator.mediaDevices.getDisplayMedia(options)
}

/** Closing the browser's question is an answer, not a problem. */
function screenProblem(error: unknown): DeviceProblem | undefined {
  if (!isSecureContext) return problem('screen', 'insecure')
  if (navigator.mediaDevices?.getDisplayMedia === undefined) return problem('screen', 'unsupported')
  const cause = causeOf(error, undefined)
  const denied = error instanceof Error && /by system/i.test(error.message)
  if (cause === 'denied' || cause === 'dismissed') return denied ? problem('screen', 'denied_by_system') : undefined
  return problem('screen', cause)
}
