import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Announcements } from './announcements.svelte'
import { person, welcome } from './fakes'
import { RoomState } from './room-state.svelte'

let announcements: Announcements
let room: RoomState

beforeEach(() => {
  vi.useFakeTimers()
  announcements = new Announcements()
  room = new RoomState(announcements)
  room.welcome(welcome({ you: 1, people: [person(1), person(2)], hands: [2], now: Date.now() + 5_000 }))
})
afterEach(() => void vi.useRealTimers())

const said = () => announcements.list.map(({ id: _, at: __, ...event }) => event)

test('the first welcome is a state, not news', () => {
  expect([...room.people.keys()]).toEqual([1, 2])
  expect(room.clockOffset).toBe(5_000)
  expect(said()).toEqual([])
})

test('coming, breaking off, coming back and leaving are told apart', () => {
  room.apply({ type: 'person_joined', person: person(3) })
  room.apply({ type: 'person_changed', person: person(3, { present: false }) })
  room.apply({ type: 'person_joined', person: person(3) })
  room.apply({ type: 'person_left', person: 3, reason: 'removed' })
  const of3 = { person: 3, name: 'Person 3' }
  expect(said()).toEqual([
    { kind: 'joined', ...of3 },
    { kind: 'interrupted', ...of3 },
    { kind: 'returned', ...of3 },
    { kind: 'left', ...of3, reason: 'removed' },
  ])
  expect(room.people.has(3)).toBe(false)
})

test('a screen that begins and ends is announced, a camera is not', () => {
  room.apply({ type: 'person_changed', person: person(2, { sources: ['camera', 'screen'] }) })
  room.apply({ type: 'person_changed', person: person(2, { sources: ['camera'] }) })
  expect(said().map((event) => [event.kind, 'on' in event && event.on])).toEqual([
    ['screen_of', true],
    ['screen_of', false],
  ])
})

test('hands keep their order, and only what has changed is announced', () => {
  room.apply({ type: 'hands', queue: [2, 1] })
  room.apply({ type: 'hands', queue: [1] })
  expect(room.hands).toEqual([1])
  expect(said()).toEqual([
    { kind: 'hand_raised', person: 1, name: 'Person 1', position: 2, own: true },
    { kind: 'hand_lowered', person: 2, name: 'Person 2', own: false },
  ])
})

test('a chat message that comes twice is shown once', () => {
  const message = { id: 1, person: 2, name: 'Ada', text: 'hello', sent: 0 }
  room.apply({ type: 'chat', message })
  room.apply({ type: 'chat', message })
  expect(room.chat).toEqual([message])
  expect(said()).toEqual([{ kind: 'chat', person: 2, name: 'Ada', text: 'hello', own: false }])
})

test('a reaction disappears after four seconds', () => {
  room.apply({ type: 'reaction', person: 2, reaction: 'applause' })
  vi.advanceTimersByTime(2_000)
  room.apply({ type: 'reaction', person: 2, reaction: 'heart' })
  vi.advanceTimersByTime(2_000)
  expect(room.reactions.map(({ reaction }) => reaction)).toEqual(['heart'])
  vi.advanceTimersByTime(2_000)
  expect(room.reactions).toEqual([])
})

test('after a break the roster is the new one', () => {
  room.apply({ type: 'quality', person: 2, grade: 'poor', reason: 'uplink_loss' })
  room.welcome(welcome({ people: [person(1), person(4)] }))
  expect([...room.people.keys()]).toEqual([1, 4])
  expect(room.quality.size).toBe(0)
})

test('only the newest fifty announcements are kept', () => {
  for (let id = 10; id < 80; id++) room.apply({ type: 'person_joined', person: person(id) })
  expect(announcements.list).toHaveLength(50)
  expect(announcements.list.at(-1)).toMatchObject({ id: 70, person: 79 })
})

test('messages about other things are left to others', () => {
  expect(room.apply({ type: 'media_restart' })).toBe(false)
})
