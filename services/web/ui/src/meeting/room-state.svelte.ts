// The room as the server tells it: people, hands, chat, speakers, quality, reactions.

import { SvelteMap } from 'svelte/reactivity'
import type {
  ChatMessage,
  Grade,
  LeaveReason,
  Person,
  QualityReason,
  Reaction,
  RoomInfo,
  ServerMessage,
  Speaker,
  Welcome,
} from '../generated/protocol'
import type { Announcements } from './announcements.svelte'
import type { PersonId, ReactionShown } from './types'

const REACTION_SHOWN = 4_000

export class RoomState {
  you = $state<PersonId | undefined>()
  room = $state.raw<RoomInfo | undefined>()
  readonly people = new SvelteMap<PersonId, Person>()
  hands = $state.raw<PersonId[]>([])
  chat = $state.raw<ChatMessage[]>([])
  speakers = $state.raw<Speaker[]>([])
  readonly quality = new SvelteMap<PersonId, { grade: Grade; reason: QualityReason }>()
  reactions = $state.raw<ReactionShown[]>([])
  clockOffset = $state(0)
  #reactionCount = 0

  constructor(private readonly announcements: Announcements) {}

  welcome(welcome: Welcome): void {
    this.you = welcome.you
    this.room = welcome.room
    this.clockOffset = welcome.now - Date.now()
    const now = new Set(welcome.people.map(({ id }) => id))
    for (const id of this.people.keys()) if (!now.has(id)) this.#forget(id)
    for (const person of welcome.people) this.people.set(person.id, person)
    this.hands = welcome.hands
    this.chat = welcome.chat
  }

  /** False if the message is not about the room. */
  apply(message: ServerMessage): boolean {
    switch (message.type) {
      case 'person_joined':
        this.#joined(message.person)
        return true
      case 'person_changed':
        this.#changed(message.person)
        return true
      case 'person_left':
        this.#left(message.person, message.reason)
        return true
      case 'room':
        this.room = message.room
        return true
      case 'hands':
        this.#hands(message.queue)
        return true
      case 'chat':
        this.#chat(message.message)
        return true
      case 'reaction':
        this.#reaction(message.person, message.reaction)
        return true
      case 'speakers':
        this.speakers = message.speakers
        return true
      case 'quality':
        this.quality.set(message.person, { grade: message.grade, reason: message.reason })
        return true
      default:
        return false
    }
  }

  nameOf(person: PersonId): string {
    return this.people.get(person)?.name ?? ''
  }

  /** Nobody is heard without a media connection. */
  silence(): void {
    this.speakers = []
    this.quality.clear()
  }

  #joined(person: Person): void {
    const known = this.people.get(person.id)
    this.people.set(person.id, person)
    if (person.id === this.you) return
    if (known === undefined) this.announcements.say({ kind: 'joined', person: person.id, name: person.name })
    else if (!known.present) this.announcements.say({ kind: 'returned', person: person.id, name: person.name })
  }

  #changed(person: Person): void {
    const { id, name } = person
    const known = this.people.get(id)
    this.people.set(id, person)
    if (id === this.you || known === undefined) return
    if (known.present !== person.present) {
      this.announcements.say({ kind: person.present ? 'returned' : 'interrupted', person: id, name })
    }
    const on = person.sources.includes('screen')
    if (known.sources.includes('screen') !== on) this.announcements.say({ kind: 'screen_of', person: id, name, on })
  }

  #left(person: PersonId, reason: LeaveReason): void {
    const name = this.nameOf(person)
    const known = this.people.has(person)
    this.#forget(person)
    if (known && person !== this.you) this.announcements.say({ kind: 'left', person, name, reason })
  }

  #forget(person: PersonId): void {
    this.people.delete(person)
    this.quality.delete(person)
  }

  #hands(queue: PersonId[]): void {
    const before = this.hands
    this.hands = queue
    queue.forEach((person, index) => {
      if (before.includes(person)) return
      const own = person === this.you
      this.announcements.say({ kind: 'hand_raised', person, name: this.nameOf(person), position: index + 1, own })
    })
    for (const person of before) {
      if (queue.includes(person) || !this.people.has(person)) continue
      const own = person === this.you
      this.announcements.say({ kind: 'hand_lowered', person, name: this.nameOf(person), own })
    }
  }

  #chat(message: ChatMessage): void {
    // After a reconnect `welcome` and the running messages may overlap.
    if (this.chat.some(({ id }) => id === message.id)) return
    this.chat = [...this.chat, message]
    const { person, name, text } = message
    this.announcements.say({ kind: 'chat', person, name, text, own: person === this.you })
  }

  #reaction(person: PersonId, reaction: Reaction): void {
    this.#reactionCount += 1
    const shown: ReactionShown = { id: this.#reactionCount, person, reaction, at: Date.now() }
    this.reactions = [...this.reactions, shown]
    setTimeout(() => {
      this.reactions = this.reactions.filter(({ id }) => id !== shown.id)
    }, REACTION_SHOWN)
    this.announcements.say({ kind: 'reaction', person, name: this.nameOf(person), reaction, own: person === this.you })
  }
}
