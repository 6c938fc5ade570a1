import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PROTOCOL_VERSION } from '../generated/protocol'
import { type FakePage, FakeWebSocket, fakePage, welcome } from './fakes'
import { Signaling } from './signaling'
import type { Reconnect } from './types'

let page: FakePage
let events: string[]
let waits: Reconnect[]
let resume: string | undefined
let signaling: Signaling

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  page = fakePage()
  events = []
  waits = []
  resume = undefined
  signaling = new Signaling('wss://plenum.test/ws', () => ({ link: 'secret', name: 'Ada', resume }), {
    greeted: () => void events.push('greeted'),
    welcome: () => void events.push('welcome'),
    message: ({ type }) => void events.push(type),
    reconnecting: (state) => {
      events.push('reconnecting')
      waits.push(state)
    },
    refused: ({ reason }) => void events.push(`refused ${reason}`),
    goodbye: (reason) => void events.push(`goodbye ${reason}`),
  })
  signaling.start()
})
afterEach(() => {
  signaling.close()
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

function enter(): FakeWebSocket {
  FakeWebSocket.last.opens()
  FakeWebSocket.last.receives(welcome())
  return FakeWebSocket.last
}

test('hello comes first and names the protocol; the seat goes along when there is one', () => {
  expect(signaling.sendEarly({ type: 'ping' })).toBe(false)
  FakeWebSocket.last.opens()
  expect(FakeWebSocket.last.sent).toEqual([{ type: 'hello', protocol: PROTOCOL_VERSION, link: 'secret', name: 'Ada' }])
  resume = 'seat'
  FakeWebSocket.last.breaks()
  vi.advanceTimersByTime(200)
  FakeWebSocket.last.opens()
  expect(FakeWebSocket.last.sent[0]).toMatchObject({ type: 'hello', resume: 'seat' })
})

test('between hello and welcome only what may travel early is sent', () => {
  FakeWebSocket.last.opens()
  expect(signaling.send({ type: 'hand', raised: true })).toBe(false)
  expect(signaling.sendEarly({ type: 'offer', connection: 1, sdp: '', lines: [] })).toBe(true)
  FakeWebSocket.last.receives(welcome())
  expect(signaling.send({ type: 'hand', raised: true })).toBe(true)
  expect(FakeWebSocket.last.types()).toEqual(['hello', 'offer', 'hand'])
})

test('a connection that answers pings stays', () => {
  const socket = enter()
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(10_000)
    socket.receives({ type: 'pong' })
  }
  expect(socket.types().filter((type) => type === 'ping')).toHaveLength(10)
  expect(events).toEqual(['greeted', 'welcome'])
})

test('after two pings without any answer it counts as dead, and another one is made', () => {
  enter()
  vi.advanceTimersByTime(29_999)
  expect(events).not.toContain('reconnecting')
  vi.advanceTimersByTime(1)
  expect(events).toContain('reconnecting')
  vi.advanceTimersByTime(200)
  expect(FakeWebSocket.all).toHaveLength(2)
})

test('tries come with growing waits and start over after a welcome', () => {
  for (let i = 0; i < 8; i++) {
    FakeWebSocket.last.breaks()
    vi.advanceTimersToNextTimer()
  }
  expect(FakeWebSocket.all).toHaveLength(9)
  const seconds = waits.map(({ nextTryAt }, index) => (nextTryAt - (waits[index - 1]?.nextTryAt ?? nextTryAt)) / 1_000)
  expect(seconds).toEqual([0, 0.5, 0.5, 1, 2, 4, 8, 10])
  expect(waits.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  enter().breaks()
  expect(waits.at(-1)?.attempt).toBe(1)
})

test('a socket that never opens, and a hello that nobody answers, are given up', () => {
  vi.advanceTimersByTime(8_100)
  expect(FakeWebSocket.all).toHaveLength(2)
  FakeWebSocket.last.opens()
  vi.advanceTimersByTime(8_600)
  expect(FakeWebSocket.all).toHaveLength(3)
})

test('the network coming back cuts the wait short', () => {
  for (let i = 0; i < 6; i++) {
    FakeWebSocket.last.breaks()
    if (i < 5) vi.advanceTimersToNextTimer()
  }
  const before = FakeWebSocket.all.length
  page.window.dispatchEvent(new Event('online'))
  expect(FakeWebSocket.all).toHaveLength(before + 1)
})

test('when the page is shown again a silent connection is found out within three seconds', () => {
  const socket = enter()
  page.document.dispatchEvent(new Event('visibilitychange'))
  expect(socket.types()).toContain('ping')
  socket.receives({ type: 'pong' })
  vi.advanceTimersByTime(3_000)
  expect(events).not.toContain('reconnecting')
  page.document.dispatchEvent(new Event('visibilitychange'))
  vi.advanceTimersByTime(3_000)
  expect(events).toContain('reconnecting')
})

test('without a network the wait says so', () => {
  page.navigator.onLine = false
  FakeWebSocket.last.breaks()
  expect(waits.at(-1)?.offline).toBe(true)
})

test('a refusal is final, but for a server that is shutting down', () => {
  FakeWebSocket.last.opens()
  FakeWebSocket.last.receives({ type: 'refused', reason: 'shutting_down', retry_after: 3 })
  vi.advanceTimersByTime(2_999)
  expect(FakeWebSocket.all).toHaveLength(1)
  vi.advanceTimersByTime(1)
  FakeWebSocket.last.opens()
  FakeWebSocket.last.receives({ type: 'refused', reason: 'client_too_old' })
  vi.advanceTimersByTime(60_000)
  expect(FakeWebSocket.all).toHaveLength(2)
  expect(events.at(-1)).toBe('refused client_too_old')
})

test('a goodbye is final', () => {
  const socket = enter()
  socket.receives({ type: 'goodbye', reason: 'removed' })
  socket.breaks()
  vi.advanceTimersByTime(60_000)
  expect(FakeWebSocket.all).toHaveLength(1)
  expect(events.at(-1)).toBe('goodbye removed')
})

test('what is not a message of the protocol is passed over', () => {
  const socket = enter()
  for (const text of ['', 'null', '[]', '{', '"x"', '{"no":"type"}']) socket.receives(text)
  expect(events).toEqual(['greeted', 'welcome'])
})

test('closing says the last word and stays closed', () => {
  const socket = enter()
  signaling.close({ type: 'leave' })
  expect(socket.types()).toEqual(['hello', 'leave'])
  page.window.dispatchEvent(new Event('online'))
  vi.advanceTimersByTime(60_000)
  expect(FakeWebSocket.all).toHaveLength(1)
})
