// Stand-ins for what a browser gives, so that tests run without one and with time as they like it.

import { vi } from 'vitest'
import type { ClientMessage, Person, ServerMessage, Welcome } from '../generated/protocol'

type Handler<E> = ((event: E) => void) | null

export class FakeWebSocket {
  static readonly OPEN = 1
  static all: FakeWebSocket[] = []
  static get last(): FakeWebSocket {
    const last = FakeWebSocket.all.at(-1)
    if (last === undefined) throw new Error('no WebSocket has been made')
    return last
  }

  readyState = 0
  readonly sent: ClientMessage[] = []
  onopen: Handler<void> = null
  onmessage: Handler<{ data: unknown }> = null
  onclose: Handler<void> = null

  constructor(readonly url: string) {
    FakeWebSocket.all.push(this)
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientMessage)
  }

  close(): void {
    this.readyState = 3
  }

  opens(): void {
    this.readyState = 1
    this.onopen?.()
  }

  receives(message: ServerMessage | string): void {
    this.onmessage?.({ data: typeof message === 'string' ? message : JSON.stringify(message) })
  }

  /** The other end closes it. */
  breaks(): void {
    this.readyState = 3
    this.onclose?.()
  }

  types(): string[] {
    return this.sent.map(({ type }) => type)
  }
}

export interface FakePage {
  window: EventTarget
  document: EventTarget & { hidden: boolean }
  navigator: { onLine: boolean; userAgent: string }
  storage: Map<string, string>
}

/** Replaces the globals of a page; `vi.unstubAllGlobals` takes them back. */
export function fakePage(): FakePage {
  FakeWebSocket.all = []
  FakePeerConnection.all = []
  const page: FakePage = {
    window: new EventTarget(),
    document: Object.assign(new EventTarget(), { hidden: false }),
    navigator: { onLine: true, userAgent: 'Chrome/150' },
    storage: new Map(),
  }
  const { storage } = page
  vi.stubGlobal('addEventListener', page.window.addEventListener.bind(page.window))
  vi.stubGlobal('removeEventListener', page.window.removeEventListener.bind(page.window))
  vi.stubGlobal('document', page.document)
  vi.stubGlobal('navigator', page.navigator)
  vi.stubGlobal('location', { href: 'https://plenum.test/join#secret' })
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => void storage.set(key, value),
    removeItem: (key: string) => void storage.delete(key),
  })
  vi.stubGlobal('WebSocket', FakeWebSocket)
  vi.stubGlobal('RTCPeerConnection', FakePeerConnection)
  vi.stubGlobal('RTCRtpReceiver', {})
  vi.stubGlobal('MediaStream', FakeMediaStream)
  return page
}

export class FakeTrack extends EventTarget {
  enabled = true
  contentHint = ''
  readyState: 'live' | 'ended' = 'live'
  onended: Handler<void> = null

  constructor(
    readonly kind: string,
    readonly label = '',
  ) {
    super()
  }

  stop(): void {
    this.readyState = 'ended'
  }

  getSettings(): MediaTrackSettings {
    return {}
  }
}

export class FakeMediaStream {
  constructor(readonly tracks: FakeTrack[] = []) {}

  getTracks(): FakeTrack[] {
    return this.tracks
  }

  getAudioTracks(): FakeTrack[] {
    return this.tracks.filter(({ kind }) => kind === 'audio')
  }

  getVideoTracks(): FakeTrack[] {
    return this.tracks.filter(({ kind }) => kind === 'video')
  }
}

class FakeTransceiver {
  mid: string | null = null
  readonly receiver: { track: FakeTrack }
  readonly sender = {
    track: null as FakeTrack | null,
    replaceTrack: async (track: FakeTrack | null) => {
      this.sender.track = track
    },
  }

  constructor(
    kind: string,
    readonly init: RTCRtpTransceiverInit,
  ) {
    this.receiver = { track: new FakeTrack(kind) }
  }
}

export class FakePeerConnection {
  static all: FakePeerConnection[] = []
  static get last(): FakePeerConnection {
    const last = FakePeerConnection.all.at(-1)
    if (last === undefined) throw new Error('no peer connection has been made')
    return last
  }

  connectionState: RTCPeerConnectionState = 'new'
  iceConnectionState: RTCIceConnectionState = 'new'
  onconnectionstatechange: Handler<void> = null
  oniceconnectionstatechange: Handler<void> = null
  readonly transceivers: FakeTransceiver[] = []
  readonly answers: string[] = []
  rollbacks = 0

  constructor(readonly configuration: RTCConfiguration) {
    FakePeerConnection.all.push(this)
  }

  addTransceiver(kind: string, init: RTCRtpTransceiverInit): FakeTransceiver {
    const transceiver = new FakeTransceiver(kind, init)
    this.transceivers.push(transceiver)
    return transceiver
  }

  async createOffer(): Promise<RTCSessionDescriptionInit> {
    return { type: 'offer', sdp: this.transceivers.map((_, index) => `m=x\r\na=mid:${index}\r\n`).join('') }
  }

  async setLocalDescription(description: RTCSessionDescriptionInit): Promise<void> {
    if (description.type === 'rollback') {
      this.rollbacks += 1
    } else {
      for (const [index, transceiver] of this.transceivers.entries()) transceiver.mid = `${index}`
    }
  }

  async setRemoteDescription({ sdp = '' }: RTCSessionDescriptionInit): Promise<void> {
    if (sdp === 'bad') throw new Error('not an answer')
    this.answers.push(sdp)
  }

  async getStats(): Promise<Map<string, unknown>> {
    return new Map()
  }

  close(): void {
    this.connectionState = 'closed'
  }

  becomes(state: RTCPeerConnectionState, ice: RTCIceConnectionState): void {
    this.connectionState = state
    this.iceConnectionState = ice
    this.oniceconnectionstatechange?.()
    this.onconnectionstatechange?.()
  }
}

export function person(id: number, changes: Partial<Person> = {}): Person {
  return { id, name: `Person ${id}`, role: 'guest', sources: [], present: true, ...changes }
}

export function welcome(changes: Partial<Welcome> = {}): { type: 'welcome' } & Welcome {
  return {
    type: 'welcome',
    protocol: 1,
    you: 1,
    resumed: false,
    resume: 'seat-1',
    room: { title: 'Weekly', started: 0 },
    people: [person(1)],
    hands: [],
    chat: [],
    ice_servers: [{ urls: ['turns:plenum.test:443'], username: 'u', credential: 'c' }],
    now: Date.now(),
    ...changes,
  }
}
