import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FakeMediaStream, FakeTrack } from '../meeting/fakes'
import { Input, type InputEvent } from './input.svelte'

type Asked = { deviceId?: { exact: string } }

let answers: (() => Promise<FakeMediaStream>)[]
let asked: Asked[]
let device: string | undefined
let events: InputEvent[]
let changes: number
let input: Input

beforeEach(() => {
  answers = []
  asked = []
  device = undefined
  events = []
  changes = 0
  const getUserMedia = async ({ video }: { video: Asked }) => {
    asked.push(video)
    return (answers.shift() ?? opens())()
  }
  vi.stubGlobal('isSecureContext', true)
  vi.stubGlobal('navigator', { userAgent: 'Firefox/153', mediaDevices: { getUserMedia } })
  input = new Input(
    'camera',
    () => device,
    () => void changes++,
  )
  input.onevent = (event) => void events.push(event)
})
afterEach(() => void vi.unstubAllGlobals())

function opens(track = new FakeTrack('video')): () => Promise<FakeMediaStream> {
  return async () => new FakeMediaStream([track])
}

function fails(name: string): () => Promise<FakeMediaStream> {
  return async () => {
    throw Object.assign(new Error(), { name })
  }
}

const live = () => input.track?.readyState === 'live'

test('preview and meeting share one device, and the last one lets go of it', async () => {
  await input.open('preview')
  await input.open('meeting')
  expect(asked).toHaveLength(1)
  input.close('preview')
  expect(live()).toBe(true)
  const { track } = input
  input.close('meeting')
  expect(input.stream).toBeUndefined()
  expect(track?.readyState).toBe('ended')
  expect(changes).toBe(2)
})

test('a device that comes up after it was closed is let go of at once', async () => {
  const track = new FakeTrack('video')
  let allow = () => {}
  answers.push(() => new Promise((resolve) => (allow = () => resolve(new FakeMediaStream([track])))))
  const opening = input.open()
  expect(input.busy).toBe(true)
  input.close()
  expect(input.busy).toBe(false)
  allow()
  expect(await opening).toBeUndefined()
  expect(track.readyState).toBe('ended')
  expect(input.stream).toBeUndefined()
})

test('a remembered device that is not there today gives way to any other', async () => {
  device = 'old'
  answers.push(fails('OverconstrainedError'))
  await input.open()
  expect(asked.map(({ deviceId }) => deviceId?.exact)).toEqual(['old', undefined])
  expect(live()).toBe(true)
  expect(input.problem).toBeUndefined()
})

test('a phone that can open one camera at a time lets go of the first', async () => {
  await input.open()
  device = 'front'
  answers.push(fails('NotReadableError'))
  await input.reopen()
  expect(asked.map(({ deviceId }) => deviceId?.exact)).toEqual([undefined, 'front', 'front'])
  expect(events).toEqual([{ kind: 'changed', track: input.track }])
})

test('choosing another device takes effect only where one is open', async () => {
  await input.reopen()
  expect(asked).toEqual([])
  await input.open()
  const before = input.track
  await input.reopen()
  expect(before?.readyState).toBe('ended')
  expect(live()).toBe(true)
})

test('a problem is named and disappears with the next success', async () => {
  answers.push(fails('NotReadableError'))
  expect(await input.open()).toBeUndefined()
  expect(input.problem).toMatchObject({ device: 'camera', cause: 'in_use', browser: 'firefox' })
  expect(input.busy).toBe(false)
  await input.open()
  expect(input.problem).toBeUndefined()
})

test('without HTTPS that is the problem, whatever the browser says', async () => {
  vi.stubGlobal('isSecureContext', false)
  vi.stubGlobal('navigator', { userAgent: '' })
  await input.open()
  expect(input.problem?.cause).toBe('insecure')
})

test('an unplugged device is replaced by another one, or reported', async () => {
  await input.open('meeting')
  const first = input.track as unknown as FakeTrack
  first.onended?.()
  await vi.waitFor(() => expect(events).toHaveLength(1))
  expect(events[0]).toEqual({ kind: 'changed', track: input.track })
  answers.push(fails('NotFoundError'))
  const second = input.track as unknown as FakeTrack
  second.onended?.()
  await vi.waitFor(() => expect(events).toHaveLength(2))
  expect(events[1]).toEqual({ kind: 'lost' })
  expect(input.problem?.cause).toBe('lost')
})
