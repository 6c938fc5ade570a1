// Keeps one working media connection: makes it, watches it, and makes a new one when it is gone.

import type { ErrorCode, IceServer, Source } from '../generated/protocol'
import { backoff } from './backoff'
import { MediaConnection, makeConnection, type Offer } from './connection'
import { videoSlotsFor } from './lines'
import type { MediaFailure, MediaState } from './types'

/**
 * The first connection is made before the relays are known, which saves a round trip. If nothing got
 * through within this time after the answer, UDP is probably blocked: a second one is made with relays.
 */
const DIRECT_TIMEOUT = 2_000
/** From the answer until media can flow, relays and a handshake under loss included. */
const CONNECT_TIMEOUT = 15_000
const ANSWER_TIMEOUT = 10_000
/** Browsers often find another way by themselves after a change of network. */
const INTERRUPTED_TIMEOUT = 4_000
/** A restarted media server meets its clients spread over this time. */
const RESTART_SPREAD = 300
/** An offer that waited longer for a way out was made on a network that may be gone. */
const STALE = 5_000

export interface MediaEvents {
  /** False if there is no connection to `signaling`: `flush` is called when there is one again. */
  send(offer: Offer): boolean
  state(state: MediaState, failure?: MediaFailure): void
  /** The slots of a new connection, or more of them; undefined: there are none for now. */
  slots(connection: MediaConnection | undefined): void
}

type Timer = ReturnType<typeof setTimeout>

export class Media {
  #connection: MediaConnection | undefined
  #count: number
  #iceServers: readonly IceServer[] = []
  readonly #tracks = new Map<Source, MediaStreamTrack | null>()
  #videoSlots = videoSlotsFor(0)
  /** An offer is being made, or waits for its answer in `#offer`: there is only ever one. */
  #negotiating = false
  #offer: Offer | undefined
  #wasConnected = false
  #failures = 0
  /** The deadline of the offer's answer. */
  #answerTimer: Timer | undefined
  /** The deadline of the present state, or the wait before the next connection. */
  #stateTimer: Timer | undefined

  /** `made`: the connections that this seat has had before, in an earlier load of the page. */
  constructor(
    private readonly events: MediaEvents,
    made = 0,
    /** Through the relays alone: for a test of them. */
    private readonly relayOnly = false,
  ) {
    this.#count = made
  }

  /** The number of the newest connection. */
  get count(): number {
    return this.#count
  }

  get connection(): MediaConnection | undefined {
    return this.#connection
  }

  start(): void {
    this.#connect()
  }

  close(): void {
    this.#drop()
  }

  set iceServers(servers: readonly IceServer[]) {
    this.#iceServers = servers
  }

  /** There is a way to `signaling` again: what was not answered is asked again. */
  flush(): void {
    const connection = this.#connection
    if (this.#offer === undefined || connection === undefined) return
    if (!connection.answered && Date.now() - connection.firstOffer > STALE) {
      this.#connect()
      return
    }
    if (!this.events.send(this.#offer)) return
    clearTimeout(this.#answerTimer)
    this.#answerTimer = setTimeout(() => this.#fail('server'), ANSWER_TIMEOUT)
  }

  /** The way to `signaling` is gone: no answer can be expected. Media that flows goes on. */
  pause(): void {
    clearTimeout(this.#answerTimer)
  }

  /** The media plane restarted, or forgot this client. */
  restart(): void {
    this.#drop()
    this.#tell('restarting')
    this.#after(Math.random() * RESTART_SPREAD, () => this.#connect())
  }

  async answered(number: number, sdp: string): Promise<void> {
    const connection = this.#connection
    if (this.#offer === undefined || connection === undefined || this.#count !== number) return
    const first = !connection.answered
    this.#settled()
    // Before the answer is applied: the server may already tell what the slots carry.
    this.events.slots(connection)
    try {
      await connection.accept(sdp)
    } catch {
      if (this.#connection === connection) this.#fail('refused')
      return
    }
    if (this.#connection !== connection) return
    this.#negotiating = false
    if (first) this.#awaitConnection(connection)
    this.#changed(connection)
    void this.#makeRoom(connection)
  }

  /** The server refused the offer. */
  async refused(code: ErrorCode): Promise<void> {
    const connection = this.#connection
    if (this.#offer === undefined || connection === undefined) return
    if (!connection.answered || code === 'media_unavailable') {
      return this.#fail(code === 'media_unavailable' ? 'server' : 'refused')
    }
    // More slots were refused: the picture goes on with those there are.
    this.#settled()
    this.#videoSlots = connection.offered
    await connection.rollback().catch(() => this.restart())
    this.#negotiating = false
  }

  /** Takes effect on the present connection and on every later one. */
  async send(source: Source, track: MediaStreamTrack | null): Promise<void> {
    this.#tracks.set(source, track)
    await this.#connection?.send(source, track)
  }

  /** Makes room for so many pictures. */
  showing(pictures: number): void {
    this.#videoSlots = Math.max(this.#videoSlots, videoSlotsFor(pictures))
    if (this.#connection !== undefined) void this.#makeRoom(this.#connection)
  }

  #connect(): void {
    this.#drop()
    if (typeof RTCPeerConnection === 'undefined') {
      this.events.state('failed', 'unsupported')
      return
    }
    this.#count += 1
    const connection = this.relayOnly
      ? new MediaConnection(this.#iceServers, this.#videoSlots, 'relay')
      : makeConnection(this.#iceServers, this.#videoSlots)
    connection.onchange = () => this.#changed(connection)
    this.#connection = connection
    for (const [source, track] of this.#tracks) void connection.send(source, track)
    void this.#makeRoom(connection)
  }

  /** Offers the connection with as many slots as are wanted, unless it has them. */
  async #makeRoom(connection: MediaConnection): Promise<void> {
    if (this.#negotiating || connection.offered >= this.#videoSlots) return
    this.#negotiating = true
    connection.addVideoSlots(this.#videoSlots)
    const offer = await connection.offer(this.#count).catch(() => undefined)
    if (this.#connection !== connection) return
    if (offer === undefined) return this.#fail('unsupported')
    this.#offer = offer
    this.flush()
  }

  #settled(): void {
    this.#offer = undefined
    clearTimeout(this.#answerTimer)
  }

  #awaitConnection(connection: MediaConnection): void {
    const relaysLeft = connection.direct && this.#iceServers.length > 0
    this.#after(relaysLeft ? DIRECT_TIMEOUT : CONNECT_TIMEOUT, () => {
      if (!relaysLeft || !connection.reachable) return this.#lost(connection)
      this.#after(CONNECT_TIMEOUT, () => this.#lost(connection))
    })
  }

  #changed(connection: MediaConnection): void {
    if (connection !== this.#connection) return
    switch (connection.state) {
      case 'connected':
        clearTimeout(this.#stateTimer)
        this.#wasConnected = true
        this.#failures = 0
        this.events.state('connected')
        break
      case 'disconnected':
        this.#tell('restarting')
        this.#after(INTERRUPTED_TIMEOUT, () => this.#lost(connection))
        break
      case 'failed':
        this.#lost(connection)
        break
    }
  }

  #lost(connection: MediaConnection): void {
    if (connection.direct && this.#iceServers.length > 0) {
      this.#tell('restarting')
      this.#connect()
    } else {
      this.#fail(connection.reachable ? 'handshake' : 'blocked')
    }
  }

  /** Gives the connection up and tries another one later. */
  #fail(failure: MediaFailure): void {
    this.#drop()
    this.#failures += 1
    this.#tell(
      this.#wasConnected && this.#failures < 2 ? 'restarting' : 'failed',
      navigator.onLine ? failure : 'offline',
    )
    this.#after(backoff(this.#failures + (this.#wasConnected ? 0 : 1)), () => this.#connect())
  }

  /** A first connection that needs a second try is still the first one to the user. */
  #tell(state: 'restarting' | 'failed', failure?: MediaFailure): void {
    if (state === 'restarting' && !this.#wasConnected) this.events.state('connecting')
    else this.events.state(state, failure)
  }

  #after(milliseconds: number, then: () => void): void {
    clearTimeout(this.#stateTimer)
    this.#stateTimer = setTimeout(then, milliseconds)
  }

  #drop(): void {
    clearTimeout(this.#stateTimer)
    this.#settled()
    this.#negotiating = false
    if (this.#connection === undefined) return
    this.#connection.close()
    this.#connection = undefined
    this.events.slots(undefined)
  }
}
