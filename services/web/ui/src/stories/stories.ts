// Every state of the user interface that can be shown without a server.

import type { Component } from 'svelte'
import type { LinkInfo } from '../generated/protocol'
import Looking from '../join/Looking.svelte'
import OutcomePage from '../join/OutcomePage.svelte'
import { type OutcomeReason, outcomeTexts } from '../join/outcomes'
import PreJoin from '../join/PreJoin.svelte'
import Room from '../room/Room.svelte'
import NotFound from '../start/NotFound.svelte'
import StartPage from '../start/StartPage.svelte'
import Created from './CreatedStory.svelte'
import { FakeDevices, type FakeDevicesOptions, FakeMeeting, type FakeMeetingOptions } from './fakes.svelte'

// biome-ignore lint/suspicious/noExplicitAny: components of any kind, with whatever they take
export type Story = () => { component: Component<any>; props: Record<string, unknown> }

function room(options: FakeMeetingOptions = {}, set: (meeting: FakeMeeting) => void = () => {}): Story {
  return () => {
    const meeting = new FakeMeeting(options)
    set(meeting)
    Object.assign(window, { meeting })
    return { component: Room, props: { meeting, devices: new FakeDevices() } }
  }
}

function prejoin(info: Partial<LinkInfo> = {}, devices: FakeDevicesOptions = {}, more: object = {}): Story {
  return () => ({
    component: PreJoin,
    props: {
      info: { title: 'Energy working group', role: 'guest', people: 3, ...info },
      devices: new FakeDevices(devices),
      join: () => {},
      joining: false,
      cancel: () => {},
      ...more,
    },
  })
}

function outcome(reason: OutcomeReason, retryAfter?: number): Story {
  const left = ['left', 'removed', 'timed_out', 'replaced', 'protocol_error'].includes(reason)
  return () => ({
    component: OutcomePage,
    props: { outcome: { reason, retryAfter, left }, title: left ? 'Energy working group' : undefined, again: () => {} },
  })
}

const outcomes = Object.fromEntries(
  (Object.keys(outcomeTexts) as OutcomeReason[]).map((reason) => [
    `outcome-${reason}`,
    outcome(reason, ['too_many_attempts', 'room_full'].includes(reason) ? 42 : undefined),
  ]),
)

const LONG = 'This is what we agreed on last time. '.repeat(40)

function conversation(meeting: FakeMeeting) {
  meeting.write(2, 'Good morning everybody!', 42)
  meeting.write(
    2,
    'The figures are at https://intranet.example/energy/report?year=2026#heating, please have a look.',
    42,
  )
  meeting.write(3, 'Thanks. I will show the slides in a minute.', 30)
  meeting.write(1, 'We wait for Olga, then we begin.', 29)
  meeting.write(4, LONG, 12)
  meeting.write(1, '👍', 3)
  meeting.write(2, 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft', 1)
}

export const stories: Record<string, Story> = {
  start: () => ({ component: StartPage, props: {} }),
  created: () => ({ component: Created, props: {} }),
  'not-found': () => ({ component: NotFound, props: {} }),
  looking: () => ({ component: Looking, props: {} }),
  prejoin: prejoin(),
  'prejoin-host': prejoin({
    role: 'host',
    people: 0,
    title: 'A very long title of a meeting that goes on and on, and then some more: quarterly',
  }),
  'prejoin-no-devices': prejoin({ people: 1 }, { none: true }),
  'prejoin-blocked': prejoin({}, { problem: 'denied' }),
  'prejoin-joining': prejoin({}, {}, { joining: true, reconnect: { attempt: 2, nextTryAt: 0, offline: false } }),
  ...outcomes,
  'room-alone': room({ people: 1 }),
  'room-alone-guest': room({ people: 1, role: 'guest', cameras: () => false }),
  'room-2': room({ people: 2, cameras: () => true }),
  'room-3': room({ people: 3 }),
  'room-9': room({ people: 9 }, (meeting) => {
    meeting.hands = [5, 7]
    meeting.speakers = [
      { person: 2, level: 20 },
      { person: 4, level: 40 },
    ]
    meeting.quality.set(4, { grade: 'fair', reason: 'uplink_loss' })
    meeting.quality.set(6, { grade: 'poor', reason: 'bandwidth' })
    meeting.change(8, { present: false })
  }),
  'room-no-video': room({ people: 6, cameras: () => false, role: 'guest' }),
  'room-60': room({ people: 60 }, (meeting) => {
    meeting.speakers = [{ person: 51, level: 20 }]
  }),
  'room-screen': room({ people: 7 }, (meeting) => {
    meeting.share(3)
    meeting.speakers = [{ person: 2, level: 20 }]
    meeting.hands = [4]
  }),
  'room-own-screen': room({ people: 4 }, (meeting) => void meeting.shareScreen(true)),
  'room-chat': room({ people: 5 }, conversation),
  'room-reconnecting': room({ people: 4 }, (meeting) => {
    meeting.phase = 'reconnecting'
    meeting.reconnect = { attempt: 2, nextTryAt: Date.now() + 4_000, offline: false }
  }),
  'room-offline': room({ people: 4 }, (meeting) => {
    meeting.phase = 'reconnecting'
    meeting.reconnect = { attempt: 2, nextTryAt: 0, offline: true }
  }),
  'room-media-restarting': room({ people: 4, cameras: () => false }, (meeting) => {
    meeting.media = 'restarting'
  }),
  'room-media-blocked': room({ people: 4, cameras: () => false }, (meeting) => {
    meeting.media = 'failed'
    meeting.mediaFailure = 'blocked'
  }),
  'room-problem': room({ people: 3 }, (meeting) => {
    meeting.setMicrophone = async () => {
      meeting.microphone.problem = {
        device: 'microphone',
        cause: 'denied',
        browser: 'firefox',
        explanation: 'denied_firefox',
      }
    }
  }),
  'room-own-quality': room({ people: 3 }, (meeting) => {
    meeting.quality.set(1, { grade: 'fair', reason: 'uplink_loss' })
  }),
}
