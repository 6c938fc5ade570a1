// One area of the settings in a form: loaded, changed, stored, and what is wrong with it.

import { BoxFailure } from '../api'
import { boxFailureText } from '../failures'
import type { BoxSession } from '../session.svelte'

/** What follows when it is stored. */
export type Done = () => void | Promise<void>

export class AreaForm<T> {
  wanted = $state<T | undefined>()
  busy = $state(false)
  problem = $state<string | undefined>()
  /** The field that the problem is about, as the API names it. */
  wrong = $state<string | undefined>()
  #sending: Promise<unknown> = Promise.resolve()

  constructor(
    readonly id: string,
    readonly session: () => BoxSession,
    readonly read: () => Promise<T>,
    /** Stores it; for forms whose fields are those of the area. */
    readonly write?: (wanted: T) => Promise<T>,
  ) {}

  async load(): Promise<void> {
    this.problem = undefined
    try {
      this.wanted = await this.read()
    } catch (error) {
      await this.failed(error)
    }
  }

  /** Whether it was taken. Nothing is done while something else is being sent: a second click means the first. */
  async send(work: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false
    this.busy = true
    const sending = this.#work(work)
    this.#sending = sending
    return await sending
  }

  /** The same, but after what is being sent: for another button than the form's own. */
  async sendNext(work: () => Promise<void>): Promise<boolean> {
    while (this.busy) await this.#sending
    return await this.send(work)
  }

  async #work(work: () => Promise<void>): Promise<boolean> {
    this.problem = undefined
    this.wrong = undefined
    try {
      await work()
      return true
    } catch (error) {
      await this.failed(error)
      return false
    } finally {
      this.busy = false
    }
  }

  async save(done: Done): Promise<void> {
    const { wanted, write } = this
    if (wanted === undefined || write === undefined) return
    await this.store(async () => {
      this.wanted = await write($state.snapshot(wanted) as T)
    }, done)
  }

  /** `done` once it was taken; the form is busy until that is over, too. */
  async store(work: () => Promise<void>, done: Done): Promise<void> {
    await this.send(async () => {
      await work()
      await done()
    })
  }

  async failed(error: unknown): Promise<void> {
    this.wrong = error instanceof BoxFailure ? error.field : undefined
    this.problem = boxFailureText(error)
    if (this.wrong !== undefined) document.getElementById(this.idOf(this.wrong))?.focus()
    await this.session().noticed(error)
  }

  idOf(field: string): string {
    return `${this.id}-${field.replaceAll('.', '-')}`
  }

  get problemId(): string {
    return `${this.id}-problem`
  }

  /** For a field's `problem`: the id of the text, if it is about this field. */
  told(field: string): string | undefined {
    return this.wrong === field && this.problem ? this.problemId : undefined
  }
}
