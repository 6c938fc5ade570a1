// What the engine shows to the views, beside the types of the wire.

import type { LeaveReason, Reaction, RefusalReason } from '../generated/protocol'

/** Counts up from 1 within the room. */
export type PersonId = number

/**
 * Where this client stands with the meeting:
 * - `connecting`: the first `hello` has not been answered yet.
 * - `reconnecting`: was in, the WebSocket is gone; sound and picture go on meanwhile.
 * - `refused` and `left` are final.
 */
export type Phase = 'connecting' | 'in' | 'reconnecting' | 'refused' | 'left'

/** Sound and picture. `restarting` and `failed` go on trying by themselves. */
export type MediaState = 'connecting' | 'connected' | 'restarting' | 'failed'

export type MediaFailure =
  /** The browser says that it has no network. */
  | 'offline'
  /** Neither UDP nor the relays over TCP and TLS got through. */
  | 'blocked'
  /** Packets got through, the encryption handshake did not finish. */
  | 'handshake'
  /** The media server is down or did not answer. */
  | 'server'
  /** The media server refused the offer. */
  | 'refused'
  /** This browser cannot do WebRTC, or an extension or policy switched it off. */
  | 'unsupported'

export interface Refusal {
  reason: RefusalReason
  /** Seconds after which trying again makes sense, if it does. */
  retryAfter?: number
}

export interface Reconnect {
  /** Counts from 1. */
  attempt: number
  /** Milliseconds since the Unix epoch; in the past while an attempt is under way. */
  nextTryAt: number
  /** The browser says that it has no network: the next try comes with the network. */
  offline: boolean
}

export interface ReactionShown {
  id: number
  person: PersonId
  reaction: Reaction
  /** Milliseconds since the Unix epoch. */
  at: number
}

/** Why something that the user asked for was refused. */
export type RefusedAction =
  | 'too_often'
  | 'too_large'
  | 'not_allowed'
  | 'no_such_person'
  | 'invalid_text'
  | 'not_connected'
  | 'other'

/** What screen readers and toasts say. */
export type AnnouncementEvent =
  | { kind: 'joined'; person: PersonId; name: string }
  | { kind: 'left'; person: PersonId; name: string; reason: LeaveReason }
  /** Somebody's connection is interrupted, or is back. */
  | { kind: 'interrupted'; person: PersonId; name: string }
  | { kind: 'returned'; person: PersonId; name: string }
  | { kind: 'chat'; person: PersonId; name: string; text: string; own: boolean }
  | { kind: 'hand_raised'; person: PersonId; name: string; position: number; own: boolean }
  | { kind: 'hand_lowered'; person: PersonId; name: string; own: boolean }
  | { kind: 'reaction'; person: PersonId; name: string; reaction: Reaction; own: boolean }
  | { kind: 'muted_by'; person: PersonId; name: string }
  | { kind: 'microphone'; on: boolean }
  | { kind: 'camera'; on: boolean }
  | { kind: 'screen'; on: boolean }
  | { kind: 'screen_of'; person: PersonId; name: string; on: boolean }
  /** A device disappeared or was taken over; `label` is the one in use now. */
  | { kind: 'device_lost'; device: 'microphone' | 'camera' }
  | { kind: 'device_changed'; device: 'microphone' | 'camera' | 'speaker'; label: string }
  | { kind: 'reconnecting' }
  | { kind: 'reconnected' }
  | { kind: 'media_interrupted' }
  | { kind: 'media_back' }
  /** `action` is the refused message's `type`. */
  | { kind: 'action_refused'; action: string; why: RefusedAction }

export type Announcement = AnnouncementEvent & {
  /** Counts up: a view remembers the last one it has dealt with. */
  id: number
  /** Milliseconds since the Unix epoch. */
  at: number
}

/** How packets travel. */
export type MediaPath = 'udp' | 'tcp' | 'relay_udp' | 'relay_tcp' | 'relay_tls'

export interface VideoStatistics {
  /** Undefined for what this client sends itself. */
  person?: PersonId
  source: 'camera' | 'screen'
  width: number
  height: number
  framesPerSecond: number
  /** Bits per second since the previous call. */
  bitrate: number
  codec?: string
}

export interface Statistics {
  path?: MediaPath
  /** Milliseconds, to the media server and back. */
  roundTrip?: number
  /** Share of packets from 0 to 1 that did not arrive since the previous call. */
  lossUp?: number
  lossDown?: number
  /** Bits per second since the previous call. */
  bitrateUp: number
  bitrateDown: number
  /** What the browser believes it may send, bits per second. */
  availableUp?: number
  /** Milliseconds by which received sound is held back against jitter. */
  audioDelay?: number
  sent: VideoStatistics[]
  received: VideoStatistics[]
}
