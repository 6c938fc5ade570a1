// The meeting as the views see it: reactive state, and what the user can do.

import type { ChoosableKind, Devices } from '../devices/devices.svelte'
import {
  type ClientMessage,
  type ErrorCode,
  type LeaveReason,
  MAX_TILES,
  type Reaction,
  type Role,
  type ServerMessage,
  type Source,
  type Tile,
  type Welcome,
} from '../generated/protocol'
import { Announcements } from './announcements.svelte'
import { prepareConnection } from './connection'
import { Latest } from './latest'
import { videoSlotsFor } from './lines'
import { Camera, Microphone, type Outlet, Screen } from './local-source.svelte'
import { Media, type MediaEvents } from './media'
import { RoomState } from './room-state.svelte'
import { Seat } from './seat'
import { Signaling, type SignalingEvents, signalingUrl } from './signaling'
import { Slots } from './slots.svelte'
import { StatisticsReader } from './statistics'
import type { MediaFailure, MediaState, PersonId, Phase, Reconnect, Refusal, RefusedAction, Statistics } from './types'
import { keepAwake } from './wake-lock'

/** Milliseconds between two messages: well within the limits of services/protocol/src/limits.rs. */
const WATCH_INTERVAL = 150
const SENDING_INTERVAL = 400
/** After a resume the server says within this time whether a host has muted this client. */
const MUTED_TOLD = 500
/** After the server has refused one of them as too many. */
const REFUSED_PAUSE = 1_500

export interface MeetingOptions {
  /** The secret part of the link, without `#`. */
  link: string
  name: string
  devices: Devices
  /** Off by default (RM4). */
  start: { microphone: boolean; camera: boolean }
}

/** For the page before the meeting, when it has nothing else to do: joining is quicker then. */
export function prepareMeeting(): void {
  prepareConnection(videoSlotsFor(0))
}

export class Meeting {
  phase = $state<Phase>('connecting')
  /** With `phase` `refused`. */
  refusal = $state.raw<Refusal | undefined>()
  /** With `phase` `left`. */
  goodbye = $state<LeaveReason | undefined>()
  /** While there is no connection to the meeting, the first one included. */
  reconnect = $state.raw<Reconnect | undefined>()

  media = $state<MediaState>('connecting')
  /** Why `media` is `failed` or, when known, `restarting`. */
  mediaFailure = $state<MediaFailure | undefined>()

  readonly microphone: Microphone
  readonly camera: Camera
  readonly screen: Screen

  readonly #announcements = new Announcements()
  readonly #state = new RoomState(this.#announcements)
  readonly #slots = new Slots()
  readonly #statistics = new StatisticsReader()
  readonly #signaling: Signaling
  readonly #media: Media
  readonly #seat: Seat
  readonly #devices: Devices
  readonly #watching = new Latest<Tile[]>(WATCH_INTERVAL, (tiles) => this.#watch(tiles))
  readonly #sending = new Latest<Source[]>(SENDING_INTERVAL, (sources) => this.#send({ type: 'sending', sources }))
  #letSleep: (() => void) | undefined

  constructor(private readonly options: MeetingOptions) {
    const { link, name, devices } = options
    this.#devices = devices
    this.#seat = new Seat(link, () => this.#media.count)
    this.#media = new Media(this.#mediaEvents(), this.#seat.earlier?.connections)
    const greeting = () => ({ link, name, resume: this.#seat.resume })
    this.#signaling = new Signaling(signalingUrl(), greeting, this.#signalingEvents())
    const outlet = this.#outlet()
    this.microphone = new Microphone(devices.microphone, outlet)
    this.camera = new Camera(devices.camera, outlet)
    this.screen = new Screen(outlet)
  }

  get you(): PersonId | undefined {
    return this.#state.you
  }
  get role(): Role | undefined {
    return this.you === undefined ? undefined : this.people.get(this.you)?.role
  }
  get room() {
    return this.#state.room
  }
  get people() {
    return this.#state.people
  }
  /** In the order in which they were raised. */
  get hands() {
    return this.#state.hands
  }
  get chat() {
    return this.#state.chat
  }
  /** The loudest first. */
  get speakers() {
    return this.#state.speakers
  }
  get quality() {
    return this.#state.quality
  }
  /** Each disappears by itself after four seconds. */
  get reactions() {
    return this.#state.reactions
  }
  /** Milliseconds to add to this computer's clock to get the server's. */
  get clockOffset() {
    return this.#state.clockOffset
  }
  /** The newest last; the fifty newest are kept. */
  get announcements() {
    return this.#announcements.list
  }
  /** One per audio slot, each for one <audio> element; changes only with a new connection. */
  get audioStreams() {
    return this.#slots.audioStreams
  }

  join(): void {
    const { start } = this.options
    // The WebSocket first: it opens while the browser works out the offer.
    this.#signaling.start()
    this.#media.start()
    this.#letSleep = keepAwake()
    if (start.microphone) void this.microphone.turnOn()
    if (start.camera) void this.camera.turnOn()
    this.#devices.microphone.close('preview')
    this.#devices.camera.close('preview')
  }

  /** Gives the seat up and lets go of every device. */
  leave(): void {
    this.#signaling.close({ type: 'leave' })
    this.#ended('left')
  }

  /** Hosts only. */
  endForAll(): void {
    this.#act({ type: 'end_for_all' })
  }

  async setMicrophone(on: boolean): Promise<void> {
    if (!on) await this.microphone.turnOff()
    else if (!(await this.microphone.turnOn())) return
    this.#announcements.say({ kind: 'microphone', on })
  }

  async setCamera(on: boolean): Promise<void> {
    if (!on) await this.camera.turnOff()
    else if (!(await this.camera.turnOn())) return
    this.#announcements.say({ kind: 'camera', on })
  }

  /** Must be called from a click or key press: browsers insist. */
  async shareScreen(on: boolean): Promise<void> {
    if (!on) await this.screen.turnOff()
    else if (!(await this.screen.turnOn())) return
    this.#announcements.say({ kind: 'screen', on })
  }

  setHand(raised: boolean): void {
    this.#act({ type: 'hand', raised })
  }

  react(reaction: Reaction): void {
    this.#act({ type: 'react', reaction })
  }

  /** False if the text cannot be sent now: keep it in the input field. */
  say(text: string): boolean {
    return this.#act({ type: 'chat', text })
  }

  /** Hosts only, like the three below. */
  mute(person: PersonId): void {
    this.#act({ type: 'mute', person })
  }

  muteAll(): void {
    this.#act({ type: 'mute_all' })
  }

  lowerHand(person: PersonId): void {
    this.#act({ type: 'lower_hand', person })
  }

  remove(person: PersonId): void {
    this.#act({ type: 'remove', person })
  }

  /** Undefined: the system's choice. */
  async switchDevice(kind: ChoosableKind, id: string | undefined): Promise<void> {
    await this.#devices.choose(kind, id)
    const label = this.#devices.speakers.find((speaker) => speaker.id === id)?.label ?? ''
    if (kind === 'speaker') this.#announcements.say({ kind: 'device_changed', device: kind, label })
  }

  /** Reactive. Defined only while a slot really carries that picture. */
  videoOf(person: PersonId, source: 'camera' | 'screen'): MediaStream | undefined {
    return this.#slots.videoOf(person, source)
  }

  /** What the page shows, the most important first, in device pixels. Cheap to call often. */
  watch(tiles: Tile[]): void {
    const shown = tiles.filter(({ person }) => person !== this.you).slice(0, MAX_TILES)
    this.#watching.set(shown.map((tile) => ({ ...tile, width: inSteps(tile.width), height: inSteps(tile.height) })))
    this.#media.showing(shown.length)
  }

  /** Undefined while there is no media connection. Rates are those since the previous call. */
  async statistics(): Promise<Statistics | undefined> {
    const { connection } = this.#media
    const report = await connection?.statistics()
    return report && this.#statistics.read(report, (mid) => connection?.sentBy(mid) ?? this.#slots.contentOf(mid))
  }

  #send(message: ClientMessage): boolean {
    return this.#signaling.send(message)
  }

  /**
   * Not before media can arrive: key frames that the SFU asks for earlier are lost, and browsers make the
   * next ones only 300 ms later.
   */
  #watch(tiles: Tile[]): boolean {
    return this.media === 'connected' && this.#send({ type: 'watch', tiles })
  }

  #act(message: ClientMessage): boolean {
    const sent = this.#send(message)
    if (!sent) this.#announcements.say({ kind: 'action_refused', action: message.type, why: 'not_connected' })
    return sent
  }

  #signalingEvents(): SignalingEvents {
    return {
      greeted: () => this.#media.flush(),
      welcome: (welcome) => this.#welcome(welcome),
      message: (message) => this.#message(message),
      reconnecting: (state) => this.#reconnecting(state),
      refused: (refusal) => {
        this.refusal = refusal
        this.phase = 'refused'
        this.#end()
      },
      goodbye: (reason) => this.#ended(reason),
    }
  }

  #welcome(welcome: Welcome): void {
    const again = this.phase === 'reconnecting'
    this.#seat.resume = welcome.resume
    this.#media.iceServers = welcome.ice_servers
    this.#state.welcome(welcome)
    this.phase = 'in'
    this.reconnect = undefined
    // Whoever was muted during a break hears of it next, and must not unmute themselves before.
    this.#sending.again(welcome.resumed ? MUTED_TOLD : 0)
    this.#watching.again()
    if (!again) {
      this.#watching.set(firstGuess(welcome))
      return
    }
    this.#announcements.say({ kind: 'reconnected' })
    // The seat was given up meanwhile: the media connection belonged to somebody who is gone.
    if (!welcome.resumed) this.#media.restart()
  }

  #reconnecting(state: Reconnect): void {
    this.reconnect = state
    this.#media.pause()
    if (this.phase !== 'in') return
    this.phase = 'reconnecting'
    this.#announcements.say({ kind: 'reconnecting' })
  }

  #message(message: ServerMessage): void {
    if (this.#state.apply(message)) return
    switch (message.type) {
      case 'answer':
        void this.#media.answered(message.connection, message.sdp)
        break
      case 'slots':
        this.#slots.apply(message)
        break
      case 'muted':
        this.#muted(message.by)
        break
      case 'media_restart':
        this.#media.restart()
        break
      case 'error':
        this.#refused(message.of ?? '', message.code)
        break
    }
  }

  /** Also told again after a break, and when an unmuting crossed the muting. */
  #muted(by: PersonId): void {
    const wasOn = this.microphone.on
    void this.microphone.turnOff()
    // The server waits for this word, even if this client had said it before.
    this.#sending.again()
    if (wasOn) this.#announcements.say({ kind: 'muted_by', person: by, name: this.#state.nameOf(by) })
  }

  #refused(action: string, code: ErrorCode): void {
    if (action === 'offer') void this.#media.refused(code)
    else if (action === 'watch') this.#watching.again(REFUSED_PAUSE)
    else if (action === 'sending') this.#sending.again(REFUSED_PAUSE)
    else this.#announcements.say({ kind: 'action_refused', action, why: whyRefused(code) })
  }

  #mediaEvents(): MediaEvents {
    return {
      send: (offer) => this.#signaling.sendEarly(offer),
      state: (state, failure) => this.#mediaState(state, failure),
      slots: (connection) => {
        if (connection === undefined) {
          this.#slots.detach()
          this.#state.silence()
        } else {
          this.#slots.attach(connection.audioSlots, connection.videoSlots)
        }
      },
    }
  }

  #mediaState(state: MediaState, failure: MediaFailure | undefined): void {
    const before = this.media
    this.media = state
    this.mediaFailure = failure
    if (state === 'connected' && before !== state) this.#watching.again()
    if (before === 'connected' && state !== 'connected') this.#announcements.say({ kind: 'media_interrupted' })
    const wasOut = before === 'restarting' || before === 'failed'
    if (wasOut && state === 'connected') this.#announcements.say({ kind: 'media_back' })
  }

  #outlet(): Outlet {
    return {
      send: (source, track) => this.#media.send(source, track),
      changed: () => this.#sending.set(this.#sources()),
      lost: (device) => this.#announcements.say({ kind: 'device_lost', device }),
      replaced: (device, label) => this.#announcements.say({ kind: 'device_changed', device, label }),
      screenEnded: () => void this.shareScreen(false),
    }
  }

  #sources(): Source[] {
    const sources: Source[] = []
    if (this.microphone.on) sources.push('microphone')
    if (this.camera.on) sources.push('camera')
    if (this.screen.on) sources.push('screen')
    if (this.screen.withSound) sources.push('screen_audio')
    return sources
  }

  #ended(reason: LeaveReason): void {
    this.goodbye = reason
    this.phase = 'left'
    this.#end()
  }

  #end(): void {
    this.reconnect = undefined
    this.#signaling.close()
    this.#media.close()
    this.#seat.clear()
    this.#watching.stop()
    this.#sending.stop()
    for (const source of [this.microphone, this.camera, this.screen]) source.end()
    this.#devices.close()
    this.#letSleep?.()
  }
}

/** Whom the page will probably show, until it has worked out its tiles. */
function firstGuess({ people, you }: Welcome): Tile[] {
  const tiles = (source: Source) =>
    people
      .filter(({ id, sources }) => id !== you && sources.includes(source))
      .map(({ id }) => ({ person: id, source, width: 640, height: 360 }))
  return [...tiles('screen'), ...tiles('camera')].slice(0, videoSlotsFor(0))
}

/** In steps of 16 pixels: a window being resized would otherwise send at every pixel. */
function inSteps(pixels: number): number {
  return Math.min(Math.max(Math.ceil(pixels / 16) * 16, 16), 65_520)
}

function whyRefused(code: ErrorCode): RefusedAction {
  switch (code) {
    case 'too_often':
    case 'too_large':
    case 'not_allowed':
    case 'no_such_person':
    case 'invalid_text':
      return code
    default:
      return 'other'
  }
}
