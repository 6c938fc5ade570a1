// What the receive slots carry: from the server's word to streams that a page can show.

import { SvelteMap } from 'svelte/reactivity'
import type { ServerMessage, SlotContent } from '../generated/protocol'
import type { PersonId } from './types'

type SlotsMessage = Extract<ServerMessage, { type: 'slots' }>
type Transceiver = Pick<RTCRtpTransceiver, 'mid' | 'receiver'>

interface Slot {
  /** Its mid is known only after the offer has been applied. */
  transceiver: Transceiver
  stream: MediaStream
}

const key = ({ person, source }: SlotContent) => `${person} ${source}`

export class Slots {
  /** One stream per audio slot: whose voice it is changes without anything to do for the page. */
  audioStreams = $state.raw<MediaStream[]>([])
  readonly #pictures = new SvelteMap<string, MediaStream>()
  #audio: Slot[] = []
  #video: Slot[] = []
  readonly #content = new Map<Transceiver, SlotContent>()

  /** The slots of a connection for which an answer has come; a stream stays the same when only more slots come. */
  attach(audio: readonly Transceiver[], video: readonly Transceiver[]): void {
    this.#audio = audio.map((transceiver, index) => slotOf(transceiver, this.#audio[index]))
    this.#video = video.map((transceiver, index) => slotOf(transceiver, this.#video[index]))
    const streams = this.#audio.map(({ stream }) => stream)
    if (streams.some((stream, index) => stream !== this.audioStreams[index])) this.audioStreams = streams
  }

  /** The connection is gone. */
  detach(): void {
    this.#audio = []
    this.#video = []
    this.audioStreams = []
    this.#content.clear()
    this.#pictures.clear()
  }

  /** Only what the server names is shown: a slot may still hold the last picture of somebody else. */
  apply({ audio, video }: Pick<SlotsMessage, 'audio' | 'video'>): void {
    this.#content.clear()
    const shown = new Map<string, MediaStream>()
    this.#video.forEach((slot, index) => {
      const content = this.#note(slot, video[index])
      if (content) shown.set(key(content), slot.stream)
    })
    this.#audio.forEach((slot, index) => void this.#note(slot, audio[index]))
    for (const old of this.#pictures.keys()) if (!shown.has(old)) this.#pictures.delete(old)
    for (const [name, stream] of shown) this.#pictures.set(name, stream)
  }

  /** Reactive. */
  videoOf(person: PersonId, source: 'camera' | 'screen'): MediaStream | undefined {
    return this.#pictures.get(key({ person, source }))
  }

  /** What the m-line with this mid carries. */
  contentOf(mid: string): SlotContent | undefined {
    for (const [transceiver, content] of this.#content) if (transceiver.mid === mid) return content
    return undefined
  }

  #note(slot: Slot, content: SlotContent | null | undefined): SlotContent | undefined {
    if (content) this.#content.set(slot.transceiver, content)
    return content ?? undefined
  }
}

function slotOf(transceiver: Transceiver, known: Slot | undefined): Slot {
  return known?.transceiver === transceiver
    ? known
    : { transceiver, stream: new MediaStream([transceiver.receiver.track]) }
}
