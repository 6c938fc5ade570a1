import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Offer, prepareConnection } from './connection'
import { type FakePage, FakePeerConnection, FakeTrack, fakePage } from './fakes'
import { Media } from './media'

const RELAYS = [{ urls: ['turns:plenum.test:443'], username: 'u', credential: 'c' }]

let page: FakePage
let reachable: boolean
let offers: Offer[]
let states: string[]
let slots: (number | undefined)[]
let media: Media

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  page = fakePage()
  reachable = true
  offers = []
  states = []
  slots = []
  media = new Media({
    send: (offer) => {
      if (reachable) offers.push(offer)
      return reachable
    },
    state: (state, failure) => {
      const told = failure ? `${state} ${failure}` : state
      if (told !== states.at(-1)) states.push(told)
    },
    slots: (connection) => void slots.push(connection?.videoSlots.length),
  })
})
afterEach(() => {
  media.close()
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

const settle = () => vi.advanceTimersByTimeAsync(0)
const wait = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)
const last = () => FakePeerConnection.last
const connections = () => FakePeerConnection.all.length
const newest = () => offers.at(-1)?.connection

async function start(): Promise<void> {
  media.start()
  await settle()
}

async function answer(sdp = 'answer'): Promise<void> {
  await media.answered(newest() ?? 0, sdp)
  await settle()
}

async function connect(): Promise<void> {
  await start()
  media.iceServers = RELAYS
  await answer()
  last().becomes('connected', 'connected')
}

test('an offer has four senders, four audio slots and six video slots, the camera in three layers', async () => {
  await start()
  const { transceivers } = last()
  expect(transceivers.map(({ init }) => init.direction)).toEqual([
    ...Array(4).fill('sendonly'),
    ...Array(10).fill('recvonly'),
  ])
  expect(transceivers.map(({ receiver }) => receiver.track.kind[0]).join('')).toBe('avvaaaaavvvvvv')
  expect(transceivers[1]?.init.sendEncodings?.map(({ rid }) => rid)).toEqual(['q', 'h', 'f'])
  expect(offers[0]).toMatchObject({ type: 'offer', connection: 1 })
  expect(offers[0]?.lines.map(({ use }) => use).slice(0, 5)).toEqual([
    'microphone',
    'camera',
    'screen',
    'screen_audio',
    'slot',
  ])
})

test('a connection made beforehand is the first one, and only that', async () => {
  prepareConnection(6)
  prepareConnection(6)
  expect(connections()).toBe(1)
  await connect()
  expect(connections()).toBe(1)
  expect(offers.map(({ connection, lines }) => [connection, lines.length])).toEqual([[1, 14]])
  media.restart()
  await wait(150)
  expect(connections()).toBe(2)
})

test('an offer waits for a way to signaling, and is repeated when the answer got lost with it', async () => {
  reachable = false
  await start()
  expect(offers).toHaveLength(0)
  reachable = true
  media.flush()
  media.pause()
  await wait(4_000)
  media.flush()
  expect(offers.map(({ connection }) => connection)).toEqual([1, 1])
  await answer()
  media.flush()
  expect(offers).toHaveLength(2)
})

test('an offer that waited long was made on an old network: a new connection is offered', async () => {
  reachable = false
  await start()
  await wait(6_000)
  reachable = true
  media.flush()
  await settle()
  expect(offers.map(({ connection }) => connection)).toEqual([2])
})

test('when UDP is blocked a second connection with relays follows, and the user sees no failure', async () => {
  await start()
  media.iceServers = RELAYS
  await answer()
  await wait(1_999)
  expect(connections()).toBe(1)
  await wait(1)
  expect(last().configuration.iceServers).toEqual(RELAYS)
  expect(newest()).toBe(2)
  await answer()
  last().becomes('connected', 'connected')
  expect(states).toEqual(['connecting', 'connected'])
})

test('a direct connection with a slow handshake is left alone', async () => {
  await start()
  media.iceServers = RELAYS
  await answer()
  last().becomes('connecting', 'connected')
  await wait(10_000)
  expect(connections()).toBe(1)
  last().becomes('connected', 'connected')
  await wait(60_000)
  expect(states).toEqual(['connected'])
})

test('when relays do not get through either it says blocked and goes on trying', async () => {
  await start()
  media.iceServers = RELAYS
  await answer()
  await wait(2_000)
  await answer()
  await wait(15_000)
  expect(states.at(-1)).toBe('failed blocked')
  await wait(500)
  expect(newest()).toBe(3)
  await answer()
  last().becomes('failed', 'checking')
  expect(states.at(-1)).toBe('failed blocked')
  await wait(1_000)
  expect(newest()).toBe(4)
})

test('a handshake that fails is told from a blocked network, and a missing network from both', async () => {
  await connect()
  await wait(2_000)
  last().becomes('failed', 'failed')
  await settle()
  await answer()
  last().becomes('failed', 'connected')
  expect(states.at(-1)).toBe('restarting handshake')
  page.navigator.onLine = false
  await wait(200)
  await answer()
  last().becomes('failed', 'connected')
  expect(states.at(-1)).toBe('failed offline')
})

test('a short interruption heals by itself, a long one gets a new connection', async () => {
  await connect()
  last().becomes('disconnected', 'disconnected')
  await wait(3_999)
  last().becomes('connected', 'connected')
  await wait(10_000)
  expect(connections()).toBe(1)
  last().becomes('disconnected', 'disconnected')
  await wait(4_000)
  expect(newest()).toBe(2)
  expect(states).toEqual(['connected', 'restarting', 'connected', 'restarting'])
})

test('signaling going away does not touch a working connection', async () => {
  await connect()
  reachable = false
  media.pause()
  await wait(120_000)
  expect(connections()).toBe(1)
  expect(last().connectionState).toBe('connected')
  expect(states).toEqual(['connected'])
})

test('a restarted media plane gets a new connection with the same tracks, soon and not all at once', async () => {
  const track = new FakeTrack('video') as unknown as MediaStreamTrack
  await connect()
  await media.send('camera', track)
  const old = last()
  media.restart()
  expect(old.connectionState).toBe('closed')
  expect(slots.at(-1)).toBeUndefined()
  await wait(150)
  expect(newest()).toBe(2)
  expect(last().transceivers[1]?.sender.track).toBe(track)
  await answer()
  last().becomes('connected', 'connected')
  expect(states).toEqual(['connected', 'restarting', 'connected'])
})

test('an answer to another connection is passed over, a bad one is a failure', async () => {
  await start()
  await media.answered(7, 'answer')
  expect(last().answers).toEqual([])
  await answer('bad')
  expect(states).toEqual(['failed refused'])
  await wait(500)
  expect(newest()).toBe(2)
})

test('while the media plane is down it waits for the word, and tries by itself now and then', async () => {
  await start()
  await media.refused('media_unavailable')
  expect(states).toEqual(['failed server'])
  await wait(500)
  expect(newest()).toBe(2)
  await media.refused('media_unavailable')
  media.restart()
  await wait(150)
  expect(newest()).toBe(3)
  await wait(10_000)
  expect(states.at(-1)).toBe('failed server')
})

test('more tiles than slots grow the offer of the same connection, one offer at a time', async () => {
  await start()
  media.showing(9)
  media.showing(14)
  await settle()
  expect(offers).toHaveLength(1)
  await answer()
  expect(offers.map(({ connection, lines }) => [connection, lines.length])).toEqual([
    [1, 14],
    [1, 24],
  ])
  await answer()
  expect(slots).toEqual([6, 16])
  media.showing(3)
  await settle()
  expect(offers).toHaveLength(2)
  expect(connections()).toBe(1)
})

test('slots that the server refuses leave the connection as it was', async () => {
  await connect()
  media.showing(25)
  await settle()
  await media.refused('offer_refused')
  await settle()
  expect(last().rollbacks).toBe(1)
  expect(last().connectionState).toBe('connected')
  expect(connections()).toBe(1)
})

test('an unanswered request for more slots does not end the picture for good', async () => {
  await connect()
  media.showing(25)
  await wait(10_000)
  expect(states.at(-1)).toBe('restarting server')
  await wait(200)
  expect(newest()).toBe(2)
  expect(offers.at(-1)?.lines).toHaveLength(33)
})

test('without WebRTC it says so', async () => {
  vi.stubGlobal('RTCPeerConnection', undefined)
  await start()
  expect(states).toEqual(['failed unsupported'])
})
