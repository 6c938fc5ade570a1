// One side of a test call: a seat in a meeting without anybody before it.

import type { ServerMessage, Tile } from '../../generated/protocol'
import { Media } from '../../meeting/media'
import { Signaling, signalingUrl } from '../../meeting/signaling'
import { overTls } from './relays'

/** How it reached the box. */
export interface Way {
  /** `udp`, or `tls`: through the relay on the port of the pages. */
  path: 'udp' | 'tls'
  roundTrip: number | undefined
}

export class Peer {
  readonly #signaling: Signaling
  readonly #media: Media
  #person: number | undefined
  #others: number[] = []
  /** The one that carries the other's picture. */
  #slot: number | undefined
  failed: string | undefined

  constructor(link: string, name: string, relayOnly: boolean, stream?: MediaStream) {
    this.#media = new Media(
      {
        send: (offer) => this.#signaling.sendEarly(offer),
        state: (state, failure) => {
          if (state === 'connected') this.#watch()
          this.failed = state === 'failed' ? (failure ?? 'unknown') : undefined
        },
        slots: () => {},
      },
      0,
      relayOnly,
    )
    this.#signaling = new Signaling(signalingUrl(), () => ({ link, name }), {
      greeted: () => this.#media.flush(),
      welcome: (welcome) => {
        this.#person = welcome.you
        this.#others = welcome.people.map(({ id }) => id).filter((id) => id !== welcome.you)
        this.#media.iceServers = relayOnly ? overTls(welcome.ice_servers) : welcome.ice_servers
        if (stream) this.#signaling.send({ type: 'sending', sources: ['camera'] })
        this.#watch()
      },
      message: (message) => this.#message(message),
      reconnecting: () => {},
      refused: ({ reason }) => (this.failed = reason),
      goodbye: () => {},
    })
    const camera = stream?.getVideoTracks()[0]
    if (camera) void this.#media.send('camera', camera)
  }

  start(): void {
    this.#signaling.start()
    this.#media.start()
  }

  /** What the other one shows; undefined before it comes. */
  picture(): MediaStream | undefined {
    const slot = this.#slot === undefined ? undefined : this.#media.connection?.videoSlots[this.#slot]
    return slot && new MediaStream([slot.receiver.track])
  }

  async frames(): Promise<number> {
    let frames = 0
    for (const entry of await this.#report()) {
      if (entry.type === 'inbound-rtp' && entry.kind === 'video') frames += Number(entry.framesDecoded ?? 0)
    }
    return frames
  }

  async way(): Promise<Way | undefined> {
    const entries = await this.#report()
    const transport = entries.find(({ type }) => type === 'transport')
    const pair = entries.find(({ id }) => id === transport?.selectedCandidatePairId)
    const local = entries.find(({ id }) => id === pair?.localCandidateId)
    if (local === undefined) return undefined
    const seconds = pair?.currentRoundTripTime
    return {
      path: local.candidateType === 'relay' ? 'tls' : 'udp',
      roundTrip: typeof seconds === 'number' ? seconds * 1_000 : undefined,
    }
  }

  leave(): void {
    this.#signaling.close({ type: 'leave' })
    this.#media.close()
  }

  /** Hosts alone. */
  end(): void {
    this.#signaling.close({ type: 'end_for_all' })
    this.#media.close()
  }

  async #report(): Promise<(Record<string, unknown> & { id: string; type: string })[]> {
    const report = await this.#media.connection?.statistics()
    return report ? [...report.values()] : []
  }

  #message(message: ServerMessage): void {
    if (message.type === 'answer') void this.#media.answered(message.connection, message.sdp)
    else if (message.type === 'slots') this.#slot = indexOf(message.video)
    else if (message.type === 'person_joined' && message.person.id !== this.#person) {
      this.#others = [...this.#others, message.person.id]
      this.#watch()
    } else if (message.type === 'media_restart') this.#media.restart()
    else if (message.type === 'error' && message.of === 'offer') void this.#media.refused(message.code)
  }

  #watch(): void {
    const tiles: Tile[] = this.#others.map((person) => ({ person, source: 'camera', width: 640, height: 360 }))
    if (tiles.length > 0) this.#signaling.send({ type: 'watch', tiles })
  }
}

function indexOf(video: readonly unknown[]): number | undefined {
  const index = video.findIndex((content) => content !== null)
  return index < 0 ? undefined : index
}
