// The WebSocket to `signaling`: greeting, heartbeat, and coming back by itself.

import {
  type ClientMessage,
  type LeaveReason,
  PROTOCOL_VERSION,
  type RefusalReason,
  type ServerMessage,
  type Welcome,
} from '../generated/protocol'
import { backoff } from './backoff'
import type { Reconnect, Refusal } from './types'

const PING_INTERVAL = 10_000
/** So many pings in a row without any message in return, and the connection counts as dead. */
const MISSED_PINGS = 2
/** After a sign that the network changed an answer is expected within this time. */
const PROBE_TIMEOUT = 3_000
/** For the WebSocket to open, and again for the answer to `hello`. */
const OPEN_TIMEOUT = 8_000

/** Where `signaling` answers, on the origin of the page. */
export function signalingUrl(): string {
  const url = new URL('/ws', location.href)
  url.protocol = url.protocol.replace('http', 'ws')
  return url.href
}

export interface SignalingEvents {
  /** A socket is open and `hello` is on its way: `sendEarly` works from here on. */
  greeted(): void
  welcome(welcome: Welcome): void
  /** Every later message but `pong`. */
  message(message: ServerMessage): void
  /** The connection is lost; tries go on until `welcome`, `refused` or `goodbye`. */
  reconnecting(state: Reconnect): void
  /** Final. */
  refused(refusal: Refusal): void
  /** Final. */
  goodbye(reason: LeaveReason): void
}

export interface Greeting {
  link: string
  name: string
  resume?: string
}

export class Signaling {
  #socket: WebSocket | undefined
  #welcomed = false
  #attempt = 0
  #unanswered = 0
  /** Opening, probing, or the wait before the next try: there is only ever one of them. */
  #timer: ReturnType<typeof setTimeout> | undefined
  #heartbeat: ReturnType<typeof setInterval> | undefined
  readonly #stop = new AbortController()

  constructor(
    private readonly url: string,
    private readonly greeting: () => Greeting,
    private readonly events: SignalingEvents,
  ) {}

  start(): void {
    const { signal } = this.#stop
    addEventListener('online', () => this.#nudge(), { signal })
    addEventListener('offline', () => this.#offline(), { signal })
    document.addEventListener('visibilitychange', () => document.hidden || this.#nudge(), { signal })
    this.#connect()
  }

  /** False if there is no connection to a meeting at the moment; the message is not kept. */
  send(message: ClientMessage): boolean {
    return this.#welcomed && this.sendEarly(message)
  }

  /** As `send`, also between `hello` and its answer: what the server reads after it saves a round trip. */
  sendEarly(message: ClientMessage): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#socket.send(JSON.stringify(message))
    return true
  }

  /** Final; a last message, if any, is sent before. */
  close(last?: ClientMessage): void {
    if (last !== undefined) this.send(last)
    this.#stop.abort()
    this.#drop()
  }

  #connect(): void {
    this.#drop()
    const socket = new WebSocket(this.url)
    this.#socket = socket
    this.#timer = setTimeout(() => this.#lost(), OPEN_TIMEOUT)
    socket.onopen = () => {
      const { link, name, resume } = this.greeting()
      const hello: ClientMessage = { type: 'hello', protocol: PROTOCOL_VERSION, link, name }
      socket.send(JSON.stringify(resume === undefined ? hello : { ...hello, resume }))
      this.#await(OPEN_TIMEOUT)
      this.events.greeted()
    }
    socket.onmessage = (event: MessageEvent) => this.#receive(event.data)
    socket.onclose = () => this.#lost()
  }

  #receive(data: unknown): void {
    const message = parse(data)
    if (message === undefined) return
    this.#unanswered = 0
    if (this.#welcomed) this.#await(undefined)
    switch (message.type) {
      case 'pong':
        break
      case 'welcome':
        this.#await(undefined)
        this.#welcomed = true
        this.#attempt = 0
        this.#heartbeat = setInterval(() => this.#ping(), PING_INTERVAL)
        this.events.welcome(message)
        break
      case 'refused':
        this.#refused(message.reason, message.retry_after ?? undefined)
        break
      case 'goodbye':
        this.close()
        this.events.goodbye(message.reason)
        break
      default:
        this.events.message(message)
    }
  }

  #refused(reason: RefusalReason, retryAfter: number | undefined): void {
    if (reason === 'shutting_down') {
      // The one refusal that passes by itself.
      this.#lost((retryAfter ?? 0) * 1_000)
    } else {
      this.close()
      this.events.refused({ reason, retryAfter })
    }
  }

  #ping(): void {
    if (this.#unanswered >= MISSED_PINGS) {
      this.#lost()
    } else {
      this.#unanswered += 1
      this.send({ type: 'ping' })
    }
  }

  /** The network may have changed, or the computer was asleep: try now, or find out now. */
  #nudge(): void {
    if (this.#welcomed) {
      this.send({ type: 'ping' })
      this.#await(PROBE_TIMEOUT)
    } else if (this.#socket === undefined) {
      this.#connect()
    }
  }

  #offline(): void {
    // A connection over the loopback interface or a virtual network may live on: probe, do not drop.
    if (this.#socket === undefined) this.#tell(Date.now())
    else this.#nudge()
  }

  /** Counts the connection as lost unless a message arrives in time. */
  #await(milliseconds: number | undefined): void {
    clearTimeout(this.#timer)
    this.#timer = milliseconds === undefined ? undefined : setTimeout(() => this.#lost(), milliseconds)
  }

  #lost(atLeast = 0): void {
    this.#drop()
    this.#attempt += 1
    const wait = Math.max(backoff(this.#attempt), atLeast)
    this.#timer = setTimeout(() => this.#connect(), wait)
    this.#tell(Date.now() + wait)
  }

  #tell(nextTryAt: number): void {
    this.events.reconnecting({ attempt: this.#attempt, nextTryAt, offline: !navigator.onLine })
  }

  /** Forgets the socket without waiting for its closing handshake: on a dead network that takes minutes. */
  #drop(): void {
    clearTimeout(this.#timer)
    clearInterval(this.#heartbeat)
    this.#welcomed = false
    this.#unanswered = 0
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
  }
}

function parse(data: unknown): ServerMessage | undefined {
  if (typeof data !== 'string') return undefined
  try {
    const message: unknown = JSON.parse(data)
    return typeof message === 'object' && message !== null && 'type' in message ? (message as ServerMessage) : undefined
  } catch {
    return undefined
  }
}
