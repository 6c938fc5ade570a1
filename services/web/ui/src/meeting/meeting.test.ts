import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Devices } from '../devices/devices.svelte'
import type { ClientMessage, ServerMessage } from '../generated/protocol'
import {
  FakeMediaStream,
  type FakePage,
  FakePeerConnection,
  FakeTrack,
  FakeWebSocket,
  fakePage,
  person,
  welcome,
} from './fakes'
import { Meeting } from './meeting.svelte'

/** A device that opens at once. */
class FakeInput {
  stream: FakeMediaStream | undefined
  busy = false
  problem = undefined
  permission = 'granted'
  onevent: ((event: unknown) => void) | undefined
  works = true
  holders = new Set<string>()

  constructor(readonly kind: string) {}

  get track(): FakeTrack | undefined {
    return this.stream?.getTracks()[0]
  }

  async open(holder: string): Promise<FakeTrack | undefined> {
    if (!this.works) return undefined
    this.holders.add(holder)
    this.stream ??= new FakeMediaStream([new FakeTrack(this.kind)])
    return this.track
  }

  close(holder: string): void {
    this.holders.delete(holder)
    if (this.holders.size > 0) return
    this.track?.stop()
    this.stream = undefined
  }
}

let page: FakePage
let microphone: FakeInput
let camera: FakeInput
let meeting: Meeting

beforeEach(() => {
  vi.useFakeTimers()
  page = fakePage()
  microphone = new FakeInput('audio')
  camera = new FakeInput('video')
  meeting = make()
})
afterEach(() => {
  meeting.leave()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function make(start = { microphone: false, camera: false }): Meeting {
  const devices = { microphone, camera, speakers: [], choose: async () => {}, close: () => {} } as unknown as Devices
  return new Meeting({ link: 'secret', name: 'Ada', devices, start })
}

const socket = () => FakeWebSocket.last
const sent = <T extends ClientMessage['type']>(type: T) =>
  socket().sent.filter((message): message is Extract<ClientMessage, { type: T }> => message.type === type)
const kinds = () => meeting.announcements.map(({ kind }) => kind)
const settle = () => vi.advanceTimersByTimeAsync(0)

async function enter(changes: Parameters<typeof welcome>[0] = {}): Promise<void> {
  socket().opens()
  await settle()
  receive(welcome(changes))
  await settle()
}

async function reconnect(changes: Parameters<typeof welcome>[0]): Promise<void> {
  socket().breaks()
  await vi.advanceTimersByTimeAsync(200)
  await enter(changes)
}

function receive(message: ServerMessage): void {
  socket().receives(message)
}

async function connectMedia(): Promise<void> {
  receive({ type: 'answer', connection: FakePeerConnection.all.length, sdp: 'answer' })
  await settle()
  FakePeerConnection.last.becomes('connected', 'connected')
}

test('the offer follows hello without waiting for welcome, and needs no device', async () => {
  meeting.join()
  socket().opens()
  await settle()
  expect(socket().url).toBe('wss://plenum.test/ws')
  expect(socket().types()).toEqual(['hello', 'offer'])
  expect(microphone.stream).toBeUndefined()
  receive(welcome())
  expect(meeting.phase).toBe('in')
  await connectMedia()
  expect(meeting.media).toBe('connected')
  expect(sent('sending')).toEqual([])
})

test('what is on from the start is sent as soon as the meeting knows this client', async () => {
  meeting = make({ microphone: true, camera: true })
  meeting.join()
  await enter()
  expect(sent('sending').at(-1)?.sources).toEqual(['microphone', 'camera'])
  expect(FakePeerConnection.last.transceivers[0]?.sender.track).toBe(microphone.track)
  expect(FakePeerConnection.last.transceivers[1]?.sender.track).toBe(camera.track)
})

test('pictures are asked for once media can arrive, and the page replaces the first guess', async () => {
  meeting.join()
  const sources = ['camera' as const]
  await enter({
    people: [person(1, { sources }), person(2, { sources }), person(3), person(4, { sources: ['screen'] })],
  })
  expect(sent('watch')).toEqual([])
  await connectMedia()
  meeting.watch([{ person: 2, source: 'camera', width: 320, height: 176 }])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(sent('watch').map(({ tiles }) => tiles.map(({ person, source }) => `${source} of ${person}`))).toEqual([
    ['screen of 4', 'camera of 2'],
    ['camera of 2'],
  ])
})

test('muting silences the track at once, stops sending soon, and lets go of the microphone later', async () => {
  meeting.join()
  await enter()
  await meeting.setMicrophone(true)
  const { track } = microphone
  const { sender } = FakePeerConnection.last.transceivers[0] ?? {}
  void meeting.setMicrophone(false)
  expect(track?.enabled).toBe(false)
  await vi.advanceTimersByTimeAsync(300)
  expect(sender?.track).toBeNull()
  await meeting.setMicrophone(true)
  expect(sender?.track).toBe(track)
  expect(track?.enabled).toBe(true)
  await meeting.setMicrophone(false)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(track?.readyState).toBe('ended')
  expect(kinds().filter((kind) => kind === 'microphone')).toHaveLength(4)
})

test('where the browser would ask again the microphone stays open while muted', async () => {
  microphone.permission = 'prompt'
  meeting.join()
  await enter()
  await meeting.setMicrophone(true)
  await meeting.setMicrophone(false)
  await vi.advanceTimersByTimeAsync(120_000)
  expect(microphone.track?.readyState).toBe('live')
})

test('a host who mutes is obeyed, and the server is told so in a message of its own', async () => {
  meeting.join()
  await enter({ people: [person(1), person(2, { role: 'host' })] })
  await meeting.setMicrophone(true)
  receive({ type: 'muted', by: 2 })
  void meeting.setMicrophone(true)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(sent('sending').map(({ sources }) => sources)).toEqual([['microphone'], [], ['microphone']])
  expect(meeting.announcements.find(({ kind }) => kind === 'muted_by')).toMatchObject({ person: 2, name: 'Person 2' })
})

test('somebody muted during a break does not unmute themselves by coming back', async () => {
  meeting.join()
  await enter()
  await meeting.setMicrophone(true)
  await reconnect({ resumed: true })
  receive({ type: 'muted', by: 2 })
  await vi.advanceTimersByTimeAsync(2_000)
  expect(meeting.microphone.on).toBe(false)
  expect(sent('sending').map(({ sources }) => sources)).toEqual([[]])
})

test('a break of signaling leaves the picture alone and takes the seat back', async () => {
  meeting.join()
  await enter({ resume: 'seat-9' })
  await connectMedia()
  meeting.watch([{ person: 2, source: 'camera', width: 100.4, height: 50 }])
  await meeting.setCamera(true)
  socket().breaks()
  expect(meeting.phase).toBe('reconnecting')
  expect(meeting.reconnect?.attempt).toBe(1)
  await vi.advanceTimersByTimeAsync(200)
  await enter({ resumed: true })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(sent('hello')[0]?.resume).toBe('seat-9')
  expect(sent('offer')).toEqual([])
  expect(sent('watch')[0]?.tiles).toEqual([{ person: 2, source: 'camera', width: 112, height: 64 }])
  expect(sent('sending')[0]?.sources).toEqual(['camera'])
  expect([meeting.phase, meeting.media]).toEqual(['in', 'connected'])
  expect(FakePeerConnection.all).toHaveLength(1)
  expect(kinds()).toContain('reconnected')
})

test('a seat that was given up meanwhile needs a new media connection', async () => {
  meeting.join()
  await enter()
  await connectMedia()
  await reconnect({ resumed: false, you: 7, people: [person(7)] })
  await vi.advanceTimersByTimeAsync(300)
  expect(sent('offer').map(({ connection }) => connection)).toEqual([2])
  expect(meeting.you).toBe(7)
})

test('slots told before the answer is applied are not lost', async () => {
  meeting.join()
  await enter({ people: [person(1), person(2)] })
  receive({ type: 'answer', connection: 1, sdp: 'answer' })
  receive({ type: 'slots', audio: [], video: [{ person: 2, source: 'camera' }] })
  await settle()
  expect(meeting.videoOf(2, 'camera')).toBeDefined()
  expect(meeting.audioStreams).toHaveLength(4)
  receive({ type: 'media_restart' })
  expect(meeting.videoOf(2, 'camera')).toBeUndefined()
})

test('more tiles than slots grow the connection', async () => {
  meeting.join()
  await enter()
  await connectMedia()
  meeting.watch(Array.from({ length: 20 }, (_, i) => ({ person: i + 2, source: 'camera', width: 160, height: 90 })))
  await settle()
  expect(sent('offer').map(({ connection, lines }) => [connection, lines.length])).toEqual([
    [1, 14],
    [1, 28],
  ])
})

test('what is refused is said, what can be repeated is repeated', async () => {
  meeting.join()
  await enter()
  await connectMedia()
  meeting.watch([{ person: 2, source: 'camera', width: 160, height: 90 }])
  receive({ type: 'error', of: 'watch', code: 'too_often', detail: '' })
  receive({ type: 'error', of: 'chat', code: 'too_often', detail: '' })
  await vi.advanceTimersByTimeAsync(2_000)
  expect(sent('watch')).toHaveLength(2)
  expect(meeting.announcements.at(-1)).toMatchObject({ kind: 'action_refused', action: 'chat', why: 'too_often' })
  socket().breaks()
  expect(meeting.say('hello')).toBe(false)
  expect(meeting.announcements.at(-1)).toMatchObject({ action: 'chat', why: 'not_connected' })
})

test.each([
  ['refused', { type: 'refused', reason: 'room_full', retry_after: 30 }],
  ['left', { type: 'goodbye', reason: 'removed' }],
] as const)('when the server ends it (%s) everything is let go of', async (phase, message) => {
  meeting = make({ microphone: true, camera: true })
  meeting.join()
  await enter()
  const tracks = [microphone.track, camera.track]
  receive(message)
  expect(meeting.phase).toBe(phase)
  expect(FakePeerConnection.last.connectionState).toBe('closed')
  expect(tracks.map((track) => track?.readyState)).toEqual(['ended', 'ended'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect([FakeWebSocket.all.length, FakePeerConnection.all.length]).toEqual([1, 1])
})

test('leaving gives the seat up', async () => {
  meeting.join()
  await enter()
  meeting.leave()
  page.window.dispatchEvent(new Event('pagehide'))
  expect(sent('leave')).toHaveLength(1)
  expect(page.storage.size).toBe(0)
  expect([meeting.phase, meeting.goodbye]).toEqual(['left', 'left'])
})

test('a microphone that does not open leaves everything as it was', async () => {
  microphone.works = false
  meeting.join()
  await enter()
  await meeting.setMicrophone(true)
  expect(meeting.microphone.on).toBe(false)
  expect(kinds()).toEqual([])
})

test('a camera that is unplugged is off for everyone', async () => {
  meeting.join()
  await enter()
  await meeting.setCamera(true)
  camera.onevent?.({ kind: 'lost' })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(sent('sending').at(-1)?.sources).toEqual([])
  expect(kinds()).toContain('device_lost')
})
