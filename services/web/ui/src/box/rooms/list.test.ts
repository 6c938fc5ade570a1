import { expect, test } from 'vitest'
import type { RoomPage, RoomPlace, RoomQuery, RoomSummary } from '../../generated/protocol'
import { BoxFailure } from '../api'
import type { BoxSession } from '../session.svelte'
import { RoomList } from './list.svelte'

const PAGE = 2

function room(number: number): RoomSummary {
  return {
    room: String(number),
    title: `Room ${number}`,
    state: 'empty',
    people: 0,
    created: number,
    last_used: null,
    deleted_on: null,
    guest_link_replaceable: false,
  }
}

/** A box with rooms of these numbers, and what it was asked. */
function box(numbers: number[]) {
  const asked: RoomQuery[] = []
  const newest = numbers.toSorted((a, b) => b - a).map(room)
  const answer = (query: RoomQuery): RoomPage => {
    const after = (query.after as RoomPlace | null)?.created ?? Number.POSITIVE_INFINITY
    const behind = newest.filter((one) => one.created < after && one.title.includes(query.text))
    const last = behind[PAGE - 1]
    const next = behind.length > PAGE && last ? { created: last.created, room: last.room } : null
    return { rooms: behind.slice(0, PAGE), found: newest.length, next }
  }
  const state = { answers: [] as Promise<RoomPage>[], noticed: 0 }
  const session = {
    api: {
      findRooms: (query: RoomQuery) => {
        asked.push(query)
        return state.answers.shift() ?? Promise.resolve(answer(query))
      },
    },
    noticed: async () => {
      state.noticed++
    },
  } as unknown as BoxSession
  return { asked, state, list: new RoomList(session) }
}

const numbers = (list: RoomList) => list.rooms?.map((one) => Number(one.room))

test('pages follow each other, and as many are asked for anew as are shown', async () => {
  const { asked, list } = box([1, 2, 3, 4, 5])
  await list.load()
  expect(numbers(list)).toEqual([5, 4])
  await list.more()
  expect(numbers(list)).toEqual([5, 4, 3, 2])
  expect(list.hasMore).toBe(true)
  await list.refresh()
  expect(numbers(list)).toEqual([5, 4, 3, 2])
  await list.more()
  expect(numbers(list)).toEqual([5, 4, 3, 2, 1])
  expect([list.hasMore, list.found, asked.length]).toEqual([false, 5, 5])
})

test('what is typed counts once it is searched for', async () => {
  const { asked, list } = box([1, 2, 3])
  list.text = ' 3 '
  await list.load()
  expect(list.narrowed).toBe(false)
  await list.search()
  expect(numbers(list)).toEqual([3])
  expect([asked.at(-1)?.text, list.narrowed]).toEqual(['3', true])
})

test('an answer that comes too late is not shown, and nothing is asked meanwhile', async () => {
  const { asked, state, list } = box([1, 2])
  let late: (page: RoomPage) => void = () => {}
  state.answers.push(new Promise((resolve) => (late = resolve)))
  const first = list.load()
  await list.refresh()
  expect(asked.length).toBe(1)
  await list.search()
  late({ rooms: [room(9)], found: 1, next: null })
  await first
  expect(numbers(list)).toEqual([2, 1])
})

test('a failure is told and leaves what is shown', async () => {
  const { state, list } = box([1])
  await list.load()
  state.answers.push(Promise.reject(new BoxFailure('meetings_unavailable', '')))
  await list.refresh()
  expect(list.problem).toBeTruthy()
  expect([numbers(list), state.noticed]).toEqual([[1], 1])
  await list.refresh()
  expect(list.problem).toBeUndefined()
})
