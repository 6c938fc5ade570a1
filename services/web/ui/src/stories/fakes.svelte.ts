// A meeting and devices without a server: they stand in for the engine and can be driven from a story.

import { SvelteMap } from 'svelte/reactivity'
import type { DeviceProblem } from '../devices/problems'
import type {
  ChatMessage,
  Grade,
  LeaveReason,
  Person,
  QualityReason,
  Reaction,
  Role,
  Source,
  Speaker,
} from '../generated/protocol'
import type {
  Announcement,
  AnnouncementEvent,
  MediaFailure,
  MediaState,
  Phase,
  ReactionShown,
  Reconnect,
  Refusal,
} from '../meeting/types'
import type { DevicesView, InputView, MeetingView } from '../room/types'
import { paintedPerson, paintedSlide } from './camera'

const NAMES = [
  'Anna Lindqvist',
  'Mehmet Yıldız',
  'Dr. Sophie von Hohenstein-Waldburg',
  'Jan',
  'Olga Petrowa',
  'Li Wei',
  'Fatima El-Sayed',
  'Peter Müller',
  'Chiara Rossi',
  'Kofi Mensah',
  'Ingrid Berg',
  'Tomás Ó Briain',
]

class FakeInput implements InputView {
  stream = $state.raw<MediaStream | undefined>()
  busy = $state(false)
  problem = $state.raw<DeviceProblem | undefined>()
  permission: InputView['permission'] = 'granted'
  constructor(
    private readonly make: () => MediaStream,
    private readonly failing?: DeviceProblem,
  ) {}
  async open() {
    this.problem = this.failing
    if (this.failing) return undefined
    this.stream = this.make()
    return this.stream.getTracks()[0]
  }
  close() {
    this.stream = undefined
  }
}

export interface FakeDevicesOptions {
  none?: boolean
  problem?: DeviceProblem['cause']
}

const named = (id: string, label: string) => ({ id, label })

export class FakeDevices implements DevicesView {
  microphones
  cameras
  speakers = [named('s1', 'Speakers (Jabra Speak 510 USB)'), named('s2', 'Headphones')]
  canChooseSpeaker = true
  chosen = $state.raw<DevicesView['chosen']>({})
  has
  microphone: InputView
  camera: InputView
  level = $state(0)

  constructor({ none = false, problem }: FakeDevicesOptions = {}) {
    this.microphones = none ? [] : [named('m1', 'Jabra Speak 510 USB'), named('m2', 'Built-in microphone')]
    this.cameras = none ? [] : [named('c1', 'Logitech BRIO (046d:085e)'), named('c2', 'Integrated camera')]
    this.has = { microphone: !none, camera: !none }
    const failing = (device: 'microphone' | 'camera'): DeviceProblem | undefined =>
      problem && {
        device,
        cause: problem,
        browser: 'chromium',
        explanation: problem === 'denied' ? 'denied_chromium' : problem,
      }
    this.microphone = new FakeInput(() => paintedPerson(0), failing('microphone'))
    this.camera = new FakeInput(() => paintedPerson(0, 1280, 720), failing('camera'))
  }

  watchLevel() {
    const timer = setInterval(() => {
      this.level = 0.55 + 0.25 * Math.sin(performance.now() / 300)
    }, 100)
    return () => clearInterval(timer)
  }
  async choose(kind: 'microphone' | 'camera' | 'speaker', id: string | undefined) {
    this.chosen = { ...this.chosen, [kind]: id }
  }
  async testSpeaker() {
    await new Promise((done) => setTimeout(done, 1500))
  }
  async refresh() {}
  close() {}
}

class FakeSource {
  on = $state(false)
  busy = $state(false)
  problem = $state.raw<DeviceProblem | undefined>()
  stream = $state.raw<MediaStream | undefined>()
}

export interface FakeMeetingOptions {
  people?: number
  role?: Role
  /** Who has a camera on; everybody but each fourth by default. */
  cameras?: (id: number) => boolean
  title?: string
}

export class FakeMeeting implements MeetingView {
  phase = $state<Phase>('in')
  refusal = $state.raw<Refusal | undefined>()
  goodbye = $state<LeaveReason | undefined>()
  reconnect = $state.raw<Reconnect | undefined>()
  media = $state<MediaState>('connected')
  mediaFailure = $state<MediaFailure | undefined>()
  you = 1
  room
  people = new SvelteMap<number, Person>()
  hands = $state.raw<number[]>([])
  chat = $state.raw<ChatMessage[]>([])
  speakers = $state.raw<Speaker[]>([])
  quality = new SvelteMap<number, { grade: Grade; reason: QualityReason }>()
  reactions = $state.raw<ReactionShown[]>([])
  announcements = $state.raw<Announcement[]>([])
  clockOffset = 0
  microphone = new FakeSource()
  camera = new FakeSource()
  screen = new FakeSource()
  audioStreams: MediaStream[] = []
  #streams = new Map<string, MediaStream>()
  #said = 0
  #reacted = 0

  constructor({
    people = 2,
    role = 'host',
    cameras = (id) => id % 4 !== 3,
    title = 'Energy working group',
  }: FakeMeetingOptions = {}) {
    this.room = {
      title,
      started: Date.now() - 754_000,
      ...(role === 'host' ? { guest_link: 'k3Jv0xQnT1mZ8aYwB5dEfgHiJkLmNoPq' } : {}),
    }
    for (let id = 1; id <= people; id++) {
      const sources: Source[] = id % 3 === 0 ? [] : ['microphone']
      if (cameras(id)) sources.push('camera')
      const name = `${NAMES[(id - 1) % NAMES.length]}${id > NAMES.length ? ` ${Math.ceil(id / NAMES.length)}` : ''}`
      this.people.set(id, { id, name, role: id === 1 ? role : id === 2 ? 'host' : 'guest', sources, present: true })
    }
    if (cameras(1)) void this.setCamera(true)
  }

  get role() {
    return this.people.get(1)?.role
  }

  change(id: number, change: Partial<Person>) {
    const person = this.people.get(id)
    if (person) this.people.set(id, { ...person, ...change })
  }
  share(id: number) {
    this.change(id, { sources: [...(this.people.get(id)?.sources ?? []), 'screen'] })
  }
  tell(event: AnnouncementEvent) {
    this.#said += 1
    this.announcements = [...this.announcements, { ...event, id: this.#said, at: Date.now() }]
  }
  write(person: number, text: string, minutesAgo = 0) {
    const name = this.people.get(person)?.name ?? ''
    this.chat = [...this.chat, { id: this.chat.length + 1, person, name, text, sent: Date.now() - minutesAgo * 60_000 }]
  }

  join() {}
  leave() {
    this.goodbye = 'left'
    this.phase = 'left'
  }
  endForAll() {
    this.leave()
  }
  async setMicrophone(on: boolean) {
    this.microphone.on = on
    this.tell({ kind: 'microphone', on })
  }
  async setCamera(on: boolean) {
    this.camera.on = on
    this.camera.stream = on ? paintedPerson(0, 1280, 720) : undefined
  }
  async shareScreen(on: boolean) {
    this.screen.on = on
    const rest = (this.people.get(1)?.sources ?? []).filter((source) => source !== 'screen')
    this.change(1, { sources: on ? [...rest, 'screen'] : rest })
    this.tell({ kind: 'screen', on })
  }
  setHand(raised: boolean) {
    this.hands = raised ? [...this.hands, 1] : this.hands.filter((id) => id !== 1)
  }
  react(reaction: Reaction) {
    this.reactBy(1, reaction)
  }
  reactBy(person: number, reaction: Reaction) {
    this.#reacted += 1
    this.reactions = [...this.reactions, { id: this.#reacted, person, reaction, at: Date.now() }]
  }
  say(text: string) {
    this.write(1, text)
    return true
  }
  mute() {}
  muteAll() {}
  lowerHand(id: number) {
    this.hands = this.hands.filter((hand) => hand !== id)
  }
  remove(id: number) {
    this.people.delete(id)
  }
  async switchDevice() {}
  videoOf(person: number, source: 'camera' | 'screen') {
    if (!this.people.get(person)?.sources.includes(source)) return undefined
    const key = `${person}:${source}`
    const stream = this.#streams.get(key) ?? (source === 'screen' ? paintedSlide() : paintedPerson(person))
    this.#streams.set(key, stream)
    return stream
  }
  watch() {}
  async statistics() {
    return {
      path: 'relay_tls' as const,
      roundTrip: 23,
      lossUp: 0.014,
      lossDown: 0,
      bitrateUp: 1_540_000,
      bitrateDown: 3_870_000,
      sent: [],
      received: [],
    }
  }
}
