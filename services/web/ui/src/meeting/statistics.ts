// The browser's statistics (W3C webrtc-stats), boiled down to what a person can use.

import type { Source } from '../generated/protocol'
import type { MediaPath, PersonId, Statistics, VideoStatistics } from './types'

type Entry = Record<string, unknown> & { id: string; type: string; timestamp: number }

const number = (value: unknown): number => (typeof value === 'number' ? value : 0)
const maybe = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

/** What an m-line carries; without a person it is this client's own. */
export type Carried = { person?: PersonId; source: Source }

/** Remembers the previous report: rates and losses are differences. */
export class StatisticsReader {
  #before = new Map<string, Entry>()

  read(report: Iterable<[string, unknown]>, carriedBy: (mid: string) => Carried | undefined): Statistics {
    const entries = new Map([...report].map(([id, entry]) => [id, entry as Entry]))
    const inbound = ofType(entries, 'inbound-rtp')
    const outbound = ofType(entries, 'outbound-rtp')
    const pair = selectedPair(entries)
    const roundTrip = maybe(pair?.currentRoundTripTime)
    const statistics: Statistics = {
      path: pathOf(entries, pair),
      roundTrip: roundTrip === undefined ? undefined : roundTrip * 1_000,
      lossUp: lossUp(entries),
      lossDown: this.#lossDown(inbound),
      bitrateUp: sum(outbound, (entry) => this.#bitrate(entry, 'bytesSent')),
      bitrateDown: sum(inbound, (entry) => this.#bitrate(entry, 'bytesReceived')),
      availableUp: maybe(pair?.availableOutgoingBitrate),
      audioDelay: this.#audioDelay(inbound),
      sent: this.#videos(entries, outbound, 'framesEncoded', 'bytesSent', carriedBy),
      received: this.#videos(entries, inbound, 'framesDecoded', 'bytesReceived', carriedBy),
    }
    this.#before = entries
    return statistics
  }

  /** Growth of a counter since the previous report. */
  #grown(entry: Entry, counter: string): number {
    return Math.max(number(entry[counter]) - number(this.#before.get(entry.id)?.[counter]), 0)
  }

  /** Bits per second; nothing can be said from a single report. */
  #bitrate(entry: Entry, bytes: string): number {
    const before = this.#before.get(entry.id)
    const seconds = before === undefined ? 0 : (entry.timestamp - before.timestamp) / 1_000
    return seconds > 0 ? (this.#grown(entry, bytes) * 8) / seconds : 0
  }

  #lossDown(inbound: Entry[]): number | undefined {
    const lost = sum(inbound, (entry) => this.#grown(entry, 'packetsLost'))
    const received = sum(inbound, (entry) => this.#grown(entry, 'packetsReceived'))
    return received + lost > 0 ? lost / (received + lost) : undefined
  }

  #audioDelay(inbound: Entry[]): number | undefined {
    const audio = inbound.filter(({ kind }) => kind === 'audio')
    const samples = sum(audio, (entry) => this.#grown(entry, 'jitterBufferEmittedCount'))
    const delay = sum(audio, (entry) => this.#grown(entry, 'jitterBufferDelay'))
    return samples > 0 ? (delay / samples) * 1_000 : undefined
  }

  /** What is moving, one per m-line: of a camera's layers the largest, with the bitrate of all. */
  #videos(
    entries: Map<string, Entry>,
    streams: Entry[],
    frames: string,
    bytes: string,
    carriedBy: (mid: string) => Carried | undefined,
  ): VideoStatistics[] {
    const moving = streams.filter((entry) => entry.kind === 'video' && this.#grown(entry, frames) > 0)
    const mids = new Set(moving.map(({ mid }) => String(mid)))
    return [...mids].flatMap((mid) => {
      const carried = carriedBy(mid)
      if (carried?.source !== 'camera' && carried?.source !== 'screen') return []
      const layers = moving.filter((entry) => String(entry.mid) === mid)
      const largest = layers.reduce((a, b) => (number(b.frameWidth) > number(a.frameWidth) ? b : a))
      const mimeType = entries.get(String(largest.codecId))?.mimeType
      return {
        person: carried.person,
        source: carried.source,
        width: number(largest.frameWidth),
        height: number(largest.frameHeight),
        framesPerSecond: number(largest.framesPerSecond),
        bitrate: sum(layers, (entry) => this.#bitrate(entry, bytes)),
        codec: typeof mimeType === 'string' ? mimeType.replace(/^video\//, '') : undefined,
      }
    })
  }
}

function sum(entries: Entry[], of: (entry: Entry) => number): number {
  return entries.reduce((total, entry) => total + of(entry), 0)
}

function ofType(entries: Map<string, Entry>, type: string): Entry[] {
  return [...entries.values()].filter((entry) => entry.type === type)
}

/** What the media server reports of this client's packets (RFC 3550 receiver reports). */
function lossUp(entries: Map<string, Entry>): number | undefined {
  const losses = ofType(entries, 'remote-inbound-rtp').flatMap(({ fractionLost }) => maybe(fractionLost) ?? [])
  return losses.length > 0 ? Math.max(...losses) : undefined
}

/** Firefox names no selected pair in its transport. */
function selectedPair(entries: Map<string, Entry>): Entry | undefined {
  const named = ofType(entries, 'transport').map((transport) => entries.get(String(transport.selectedCandidatePairId)))
  return (
    named.find((pair) => pair !== undefined) ?? ofType(entries, 'candidate-pair').find((pair) => pair.selected === true)
  )
}

function pathOf(entries: Map<string, Entry>, pair: Entry | undefined): MediaPath | undefined {
  const local = entries.get(String(pair?.localCandidateId))
  if (local === undefined) return undefined
  if (local.candidateType !== 'relay') return local.protocol === 'tcp' ? 'tcp' : 'udp'
  if (local.relayProtocol === 'tls') return 'relay_tls'
  return local.relayProtocol === 'tcp' ? 'relay_tcp' : 'relay_udp'
}
