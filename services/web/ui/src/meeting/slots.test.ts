import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FakeTrack, fakePage } from './fakes'
import { Slots } from './slots.svelte'

const transceiver = (kind: string, mid: string) =>
  ({ mid, receiver: { track: new FakeTrack(kind) } }) as unknown as RTCRtpTransceiver
const camera = (person: number) => ({ person, source: 'camera' as const })
const microphone = (person: number) => ({ person, source: 'microphone' as const })

let slots: Slots
let audio: RTCRtpTransceiver[]
let video: RTCRtpTransceiver[]

beforeEach(() => {
  fakePage()
  slots = new Slots()
  audio = [transceiver('audio', '4'), transceiver('audio', '5')]
  video = [transceiver('video', '6'), transceiver('video', '7'), transceiver('video', '8')]
  slots.attach(audio, video)
})
afterEach(() => void vi.unstubAllGlobals())

const trackOf = (stream: MediaStream | undefined) => stream?.getTracks()[0]

test('a picture is there only while a slot carries it, and from the very slot that carries it', () => {
  expect(slots.videoOf(2, 'camera')).toBeUndefined()
  slots.apply({ audio: [], video: [null, camera(2), { person: 2, source: 'screen' }] })
  expect(trackOf(slots.videoOf(2, 'camera'))).toBe(video[1]?.receiver.track)
  expect(trackOf(slots.videoOf(2, 'screen'))).toBe(video[2]?.receiver.track)
  slots.apply({ audio: [], video: [camera(3), camera(4), null] })
  expect(slots.videoOf(2, 'camera')).toBeUndefined()
  expect(slots.videoOf(2, 'screen')).toBeUndefined()
  expect(trackOf(slots.videoOf(4, 'camera'))).toBe(video[1]?.receiver.track)
})

test('someone who moves to another slot is shown from there', () => {
  slots.apply({ audio: [], video: [camera(2), camera(3), null] })
  slots.apply({ audio: [], video: [camera(3), camera(2), null] })
  expect(trackOf(slots.videoOf(2, 'camera'))).toBe(video[1]?.receiver.track)
  expect(trackOf(slots.videoOf(3, 'camera'))).toBe(video[0]?.receiver.track)
})

test('statistics find by mid whose media it is', () => {
  slots.apply({ audio: [null, microphone(5)], video: [camera(5)] })
  expect(slots.contentOf('5')).toEqual(microphone(5))
  expect(slots.contentOf('6')).toEqual(camera(5))
  expect(slots.contentOf('4')).toBeUndefined()
})

test('more slots leave the streams of the present ones alone', () => {
  const sounds = slots.audioStreams
  slots.apply({ audio: [], video: [camera(2)] })
  const before = slots.videoOf(2, 'camera')
  video = [...video, transceiver('video', '9')]
  slots.attach(audio, video)
  expect(slots.audioStreams).toBe(sounds)
  expect(slots.videoOf(2, 'camera')).toBe(before)
  slots.apply({ audio: [], video: [camera(2), null, null, camera(9)] })
  expect(slots.videoOf(2, 'camera')).toBe(before)
  expect(trackOf(slots.videoOf(9, 'camera'))).toBe(video[3]?.receiver.track)
})

test('with the connection everything is gone, and a late word about it is void', () => {
  slots.apply({ audio: [], video: [camera(2)] })
  slots.detach()
  expect(slots.audioStreams).toEqual([])
  expect(slots.videoOf(2, 'camera')).toBeUndefined()
  slots.apply({ audio: [], video: [camera(2)] })
  slots.attach(audio, video)
  expect(slots.videoOf(2, 'camera')).toBeUndefined()
})
