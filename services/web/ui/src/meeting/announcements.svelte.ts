import type { Announcement, AnnouncementEvent } from './types'

const KEPT = 50

export class Announcements {
  /** The newest last. */
  list = $state.raw<Announcement[]>([])
  #count = 0

  say(event: AnnouncementEvent): void {
    this.#count += 1
    this.list = [...this.list.slice(1 - KEPT), { ...event, id: this.#count, at: Date.now() }]
  }
}
