// What this browser may do on the box.

import type { SessionInfo } from '../generated/protocol'
import { attention } from '../lib/attention'
import { notices } from '../lib/notices.svelte'
import { m } from '../paraglide/messages'
import { BoxApi, BoxFailure, type BoxFailureCode } from './api'
import { idleStep, PATIENCE } from './idle'

const OVER: BoxFailureCode[] = ['not_signed_in', 'forged', 'not_allowed']

export class BoxSession {
  readonly #unused = attention(window)
  readonly api = new BoxApi(() => this.#unused() >= PATIENCE)
  #info = $state.raw<SessionInfo | undefined>()
  #unreachable = $state(false)

  get info(): SessionInfo | undefined {
    return this.#info
  }

  /** The box did not say what may be done. */
  get unreachable(): boolean {
    return this.#unreachable
  }

  async load(): Promise<void> {
    try {
      this.#info = await this.api.session()
      this.#unreachable = false
    } catch {
      this.#unreachable = true
    }
  }

  took(info: SessionInfo): void {
    this.#info = info
  }

  /** A session that has ended in the meantime leads back to the sign-in, which says so; one of another account shows that. */
  async noticed(error: unknown): Promise<void> {
    if (error instanceof BoxFailure && OVER.includes(error.code)) await this.#look()
  }

  /** Keeps the session while somebody uses the page, and no longer; whether it is about to end. */
  async idle(): Promise<boolean> {
    const step = () => idleStep(this.#unused(), this.api.sinceAttended)
    if (!this.#info?.csrf_token || step() === 'none') return false
    // Another page of the same browser may have kept it.
    await this.ask()
    return step() === 'warn'
  }

  /** Whether the session goes on. What is typed on the page stays, whatever the answer. */
  async ask(): Promise<void> {
    try {
      if (!(await this.api.session()).csrf_token) await this.#look()
    } catch {
      // The next call that matters says what is wrong.
    }
  }

  async #look(): Promise<void> {
    const before = this.#info?.account
    await this.load()
    if (before && !this.#info?.account) notices.show(m.box_session_over(), { tone: 'warning' })
  }
}
