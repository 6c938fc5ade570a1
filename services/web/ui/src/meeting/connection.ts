// One RTCPeerConnection: four senders without tracks, and receive slots. The client always offers.

import type { ClientMessage, IceServer, Source } from '../generated/protocol'
import { AUDIO_SLOTS, addSender, addSlot, linesOf, SOURCES } from './lines'

export type Offer = Extract<ClientMessage, { type: 'offer' }>

let spare: MediaConnection | undefined

/**
 * Makes the first connection of the next meeting while there is time, on the page before it: some 50 ms
 * of work. It takes no port and sends nothing before its offer.
 */
export function prepareConnection(videoSlots: number): void {
  if (typeof RTCPeerConnection !== 'undefined') spare ??= new MediaConnection([], videoSlots)
}

/** The prepared connection, or a new one. */
export function makeConnection(iceServers: readonly IceServer[], videoSlots: number): MediaConnection {
  const prepared = iceServers.length === 0 ? spare : undefined
  if (prepared === undefined) return new MediaConnection(iceServers, videoSlots)
  spare = undefined
  prepared.addVideoSlots(videoSlots)
  return prepared
}

export class MediaConnection {
  readonly audioSlots: RTCRtpTransceiver[] = []
  readonly videoSlots: RTCRtpTransceiver[] = []
  /** When it was offered first, in milliseconds since the Unix epoch. */
  firstOffer = 0
  /** Made without relays: they are not known before `welcome`. */
  readonly direct: boolean
  /** An answer has been accepted. */
  answered = false
  /** How many of the video slots have been offered. */
  offered = 0
  /** The connection or its way through the network is in another state. */
  onchange: (() => void) | undefined
  readonly #connection: RTCPeerConnection
  readonly #senders = new Map<Source, RTCRtpSender>()
  #applied: Promise<void> = Promise.resolve()

  constructor(iceServers: readonly IceServer[], videoSlots: number, iceTransportPolicy: RTCIceTransportPolicy = 'all') {
    this.direct = iceServers.length === 0
    this.#connection = new RTCPeerConnection({
      bundlePolicy: 'max-bundle',
      iceServers: [...iceServers],
      iceTransportPolicy,
    })
    this.#connection.onconnectionstatechange = () => this.onchange?.()
    this.#connection.oniceconnectionstatechange = () => this.onchange?.()
    for (const source of SOURCES) this.#senders.set(source, addSender(this.#connection, source).sender)
    for (let i = 0; i < AUDIO_SLOTS; i++) this.audioSlots.push(addSlot(this.#connection, 'audio'))
    this.addVideoSlots(videoSlots)
  }

  get state(): RTCPeerConnectionState {
    return this.#connection.connectionState
  }

  /** Packets get through, whatever becomes of the encryption handshake. */
  get reachable(): boolean {
    const { iceConnectionState } = this.#connection
    return iceConnectionState === 'connected' || iceConnectionState === 'completed'
  }

  /** Up to `count` altogether; they work after the next offer. */
  addVideoSlots(count: number): void {
    while (this.videoSlots.length < count) this.videoSlots.push(addSlot(this.#connection, 'video'))
  }

  /**
   * Not trickled: the SFU is ICE-lite and learns this side's addresses from its checks. The offer may
   * travel before the browser has finished applying it.
   */
  async offer(number: number): Promise<Offer> {
    this.firstOffer ||= Date.now()
    this.offered = this.videoSlots.length
    const description = await this.#connection.createOffer()
    this.#applied = this.#connection.setLocalDescription(description)
    const sdp = description.sdp ?? ''
    return { type: 'offer', connection: number, sdp, lines: linesOf(sdp) }
  }

  async accept(sdp: string): Promise<void> {
    await this.#applied
    await this.#connection.setRemoteDescription({ type: 'answer', sdp })
    this.answered = true
  }

  /** Takes an offer back that was refused. */
  async rollback(): Promise<void> {
    await this.#applied
    await this.#connection.setLocalDescription({ type: 'rollback' })
  }

  async send(source: Source, track: MediaStreamTrack | null): Promise<void> {
    const sender = this.#senders.get(source)
    if (sender === undefined || sender.track === track || this.state === 'closed') return
    await sender.replaceTrack(track)
  }

  /** What the m-line with this mid sends. */
  sentBy(mid: string): { source: Source } | undefined {
    const index = this.#connection.getTransceivers().findIndex((transceiver) => transceiver.mid === mid)
    const source = SOURCES[index]
    return source && { source }
  }

  statistics(): Promise<RTCStatsReport> {
    return this.#connection.getStats()
  }

  close(): void {
    this.onchange = undefined
    this.#connection.close()
  }
}
