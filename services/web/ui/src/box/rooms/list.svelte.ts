// The rooms that the page shows, asked for page by page.

import type { RoomPage, RoomPlace, RoomSummary } from '../../generated/protocol'
import { boxFailureText } from '../failures'
import type { BoxSession } from '../session.svelte'

export class RoomList {
  /** As typed and chosen; asked for by `search`. */
  text = $state('')
  running = $state(false)
  #query = $state.raw({ text: '', running: false })
  #rooms = $state.raw<RoomSummary[] | undefined>()
  #found = $state(0)
  #next = $state.raw<RoomPlace | undefined>()
  #problem = $state<string | undefined>()
  /** Of the last question: answers to earlier ones come too late. */
  #asked = 0
  #waiting = 0

  constructor(readonly session: BoxSession) {}

  /** Undefined until the box has answered. */
  get rooms(): RoomSummary[] | undefined {
    return this.#rooms
  }

  get found(): number {
    return this.#found
  }

  get hasMore(): boolean {
    return this.#next !== undefined
  }

  get problem(): string | undefined {
    return this.#problem
  }

  /** Whether only some rooms were asked for. */
  get narrowed(): boolean {
    return this.#query.text !== '' || this.#query.running
  }

  /** Anew, as many as are shown. */
  load(): Promise<void> {
    return this.#ask([], undefined, this.#rooms?.length ?? 0)
  }

  /** Anew, unless an answer is still to come. */
  async refresh(): Promise<void> {
    if (this.#waiting === 0) await this.load()
  }

  search(): Promise<void> {
    this.#query = { text: this.text.trim(), running: this.running }
    return this.#ask([], undefined, 0)
  }

  more(): Promise<void> {
    const rooms = this.#rooms ?? []
    return this.#ask(rooms, this.#next, rooms.length + 1)
  }

  /** At least `wanted`, as far as there are so many. */
  async #ask(rooms: RoomSummary[], after: RoomPlace | undefined, wanted: number): Promise<void> {
    const asked = ++this.#asked
    const query = this.#query
    this.#waiting++
    try {
      let page: RoomPage
      let place = after
      do {
        page = await this.session.api.findRooms({ ...query, after: place ?? null })
        if (asked !== this.#asked) return
        rooms = [...rooms, ...page.rooms]
        place = page.next ?? undefined
      } while (place && rooms.length < wanted)
      this.#rooms = rooms
      this.#found = page.found
      this.#next = place
      this.#problem = undefined
    } catch (error) {
      if (asked !== this.#asked) return
      this.#problem = boxFailureText(error)
      await this.session.noticed(error)
    } finally {
      this.#waiting--
    }
  }
}
