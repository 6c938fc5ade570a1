// The devices of this computer: which there are, which are chosen, whether they may be used.

import { type Choice, rememberChoice, rememberedChoice } from './choice'
import { Input } from './input.svelte'
import { measureLevel } from './level'
import { playTone } from './tone'

export interface Device {
  id: string
  /** Empty until the browser has been allowed to use a device of this kind. */
  label: string
}

export type ChoosableKind = keyof Choice

export class Devices {
  microphones = $state.raw<Device[]>([])
  cameras = $state.raw<Device[]>([])
  /** Empty where the browser cannot choose the output (`canChooseSpeaker`). */
  speakers = $state.raw<Device[]>([])
  readonly canChooseSpeaker = 'HTMLMediaElement' in globalThis && 'setSinkId' in HTMLMediaElement.prototype

  /** The remembered choice; undefined is the system's. */
  chosen = $state.raw<Choice>(rememberedChoice())
  /** Whether there is any: known before the browser has been allowed to use or name them. */
  has = $state.raw({ microphone: false, camera: false })

  /**
   * Open and close them for a preview. A meeting that starts with them on takes them over: closing the
   * preview then leaves them open.
   */
  readonly microphone: Input = new Input(
    'microphone',
    () => this.chosen.microphone,
    () => this.#streamChanged(),
  )
  readonly camera: Input = new Input(
    'camera',
    () => this.chosen.camera,
    () => this.#streamChanged(),
  )

  /** Loudness of the own microphone from 0 to 1, moving while it is open and `watchLevel` is held. */
  level = $state(0)
  #levelWatchers = 0
  #measured: MediaStream | undefined
  #stopMeasuring: (() => void) | undefined

  readonly #refresh = () => void this.refresh()

  constructor() {
    navigator.mediaDevices?.addEventListener?.('devicechange', this.#refresh)
    void this.refresh()
    void this.microphone.refreshPermission()
    void this.camera.refreshPermission()
  }

  /** Measures the level until the returned function is called; made for `$effect`. */
  watchLevel(): () => void {
    this.#levelWatchers += 1
    this.#measure()
    return () => {
      this.#levelWatchers -= 1
      this.#measure()
    }
  }

  /** Uses another device from now on, also in a running meeting. Undefined: the system's choice. */
  async choose(kind: ChoosableKind, id: string | undefined): Promise<void> {
    const chosen = { ...this.chosen }
    if (id === undefined) delete chosen[kind]
    else chosen[kind] = id
    this.chosen = chosen
    rememberChoice(chosen)
    if (kind !== 'speaker') await this[kind].reopen()
  }

  /** Plays a short sound on the chosen speaker; resolves when it has ended. */
  testSpeaker(): Promise<void> {
    return playTone(this.chosen.speaker)
  }

  /** Reads the list again; happens by itself when something is plugged in or allowed. */
  async refresh(): Promise<void> {
    const all = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? []
    const has = (kind: MediaDeviceKind) => all.some((device) => device.kind === kind)
    this.has = { microphone: has('audioinput'), camera: has('videoinput') }
    this.microphones = listed(all, 'audioinput')
    this.cameras = listed(all, 'videoinput')
    this.speakers = this.canChooseSpeaker ? listed(all, 'audiooutput') : []
  }

  /** Lets go of every device; the list and the choice stay usable. */
  close(): void {
    for (const input of [this.microphone, this.camera]) {
      input.close('preview')
      input.close('meeting')
    }
  }

  /** With the first permission the names of devices become readable. */
  #streamChanged(): void {
    void this.refresh()
    this.#measure()
  }

  #measure(): void {
    const stream = this.#levelWatchers > 0 ? this.microphone.stream : undefined
    if (stream === this.#measured) return
    this.#stopMeasuring?.()
    this.#measured = stream
    this.#stopMeasuring = stream && measureLevel(stream, (level) => (this.level = level))
  }
}

/** Chromium lists the system's choice twice more, as `default` and `communications`. */
function listed(all: readonly MediaDeviceInfo[], kind: MediaDeviceKind): Device[] {
  return all
    .filter((device) => device.kind === kind && !['', 'default', 'communications'].includes(device.deviceId))
    .map(({ deviceId, label }) => ({ id: deviceId, label }))
}
