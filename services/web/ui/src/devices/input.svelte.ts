// A microphone or a camera: opened once, shared by preview and meeting, let go when nobody holds it.

import { causeOf, type DeviceProblem, problem } from './problems'

export type InputKind = 'microphone' | 'camera'

/** Not every browser tells: `unknown` until a device has been asked for. */
export type Permission = 'unknown' | PermissionState

export type Holder = 'preview' | 'meeting'

export type InputEvent =
  /** Another device delivers from now on. */
  | { kind: 'changed'; track: MediaStreamTrack }
  /** The device went away, and no other could take its place. */
  | { kind: 'lost' }

export class Input {
  /** Defined while the device is open. */
  stream = $state.raw<MediaStream | undefined>()
  /** It is being opened, or the browser asks the user. */
  busy = $state(false)
  problem = $state.raw<DeviceProblem | undefined>()
  permission = $state<Permission>('unknown')

  readonly #holders = new Set<Holder>()
  #opening: Promise<MediaStreamTrack | undefined> | undefined
  /** Counts up whenever what is being opened is not wanted any more. */
  #generation = 0
  #permissionStatus: PermissionStatus | undefined

  constructor(
    private readonly kind: InputKind,
    /** The remembered device, if any. */
    private readonly device: () => string | undefined,
    /** `stream` is another one, or gone. */
    private readonly streamChanged: () => void,
  ) {}

  /** For the meeting, which sends the track. */
  onevent: ((event: InputEvent) => void) | undefined

  get track(): MediaStreamTrack | undefined {
    return this.stream?.getTracks()[0]
  }

  /** Resolves to undefined if it did not work: `problem` says why. */
  open(holder: Holder = 'preview'): Promise<MediaStreamTrack | undefined> {
    this.#holders.add(holder)
    if (this.track?.readyState === 'live') return Promise.resolve(this.track)
    this.#opening ??= this.#open()
    return this.#opening
  }

  /** The device is let go of when its last holder has closed it. */
  close(holder: Holder = 'preview'): void {
    this.#holders.delete(holder)
    if (this.#holders.size > 0) return
    this.#abandon()
    this.#replace(undefined)
  }

  /** The choice of device has changed: takes the new one if the input is open. */
  async reopen(): Promise<void> {
    if (this.#holders.size === 0) return
    this.#abandon()
    const old = this.track
    this.#opening = this.#open()
    const track = await this.#opening
    if (track !== undefined && track !== old) this.onevent?.({ kind: 'changed', track })
  }

  async refreshPermission(): Promise<void> {
    if (this.#permissionStatus === undefined) {
      // Older Firefox and Safari do not know these names.
      const name = this.kind as PermissionName
      this.#permissionStatus = await navigator.permissions?.query({ name }).catch(() => undefined)
      this.#permissionStatus?.addEventListener('change', () => this.#permissionChanged())
    }
    if (this.#permissionStatus !== undefined) this.permission = this.#permissionStatus.state
  }

  #permissionChanged(): void {
    if (this.#permissionStatus === undefined) return
    this.permission = this.#permissionStatus.state
    if (this.permission !== 'denied' && this.problem?.cause === 'denied') this.problem = undefined
  }

  async #open(): Promise<MediaStreamTrack | undefined> {
    const generation = ++this.#generation
    this.busy = true
    this.problem = undefined
    try {
      const stream = await this.#ask()
      const [track] = stream.getTracks()
      if (generation !== this.#generation || track === undefined) {
        for (const unwanted of stream.getTracks()) unwanted.stop()
        return undefined
      }
      this.permission = 'granted'
      this.#replace(stream)
      track.onended = () => void this.#ended(stream)
      void this.refreshPermission()
      return track
    } catch (error) {
      await this.refreshPermission()
      if (generation === this.#generation) this.#failed(error)
      return undefined
    } finally {
      if (generation === this.#generation) {
        this.busy = false
        this.#opening = undefined
      }
    }
  }

  async #ask(): Promise<MediaStream> {
    const device = this.device()
    try {
      return await request(this.kind, device)
    } catch (error) {
      const name = error instanceof Error ? error.name : ''
      // Phones open one camera at a time: let go of the present one first.
      if (name === 'NotReadableError' && this.stream !== undefined) {
        this.#replace(undefined)
        return request(this.kind, device)
      }
      // The remembered device is not plugged in today.
      if (device !== undefined && (name === 'OverconstrainedError' || name === 'NotFoundError')) {
        return request(this.kind, undefined)
      }
      throw error
    }
  }

  #failed(error: unknown): void {
    if (!isSecureContext) this.problem = problem(this.kind, 'insecure')
    else if (navigator.mediaDevices?.getUserMedia === undefined) this.problem = problem(this.kind, 'unsupported')
    else this.problem = problem(this.kind, causeOf(error, this.#permissionStatus?.state))
  }

  /** Unplugged, or taken away by the browser: another device may take its place. */
  async #ended(stream: MediaStream): Promise<void> {
    if (stream !== this.stream) return
    this.#replace(undefined)
    const track = this.#holders.size > 0 ? await this.open([...this.#holders][0]) : undefined
    if (track !== undefined) return this.onevent?.({ kind: 'changed', track })
    this.#holders.clear()
    if (this.problem?.cause !== 'denied') this.problem = problem(this.kind, 'lost')
    this.onevent?.({ kind: 'lost' })
  }

  #abandon(): void {
    this.#generation += 1
    this.#opening = undefined
    this.busy = false
  }

  #replace(stream: MediaStream | undefined): void {
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null
      track.stop()
    }
    if (stream === this.stream) return
    this.stream = stream
    this.streamChanged()
  }
}

function request(kind: InputKind, device: string | undefined): Promise<MediaStream> {
  const chosen: MediaTrackConstraints = device === undefined ? {} : { deviceId: { exact: device } }
  if (kind === 'microphone') {
    const audio = { ...chosen, echoCancellation: true, noiseSuppression: true, autoGainControl: true }
    return navigator.mediaDevices.getUserMedia({ audio })
  }
  const size = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } }
  return navigator.mediaDevices.getUserMedia({ video: { ...chosen, ...size } })
}
