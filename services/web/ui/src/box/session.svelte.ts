// What this browser may do on the box.

import type { SessionInfo } from '../generated/protocol'
import { unattended } from '../lib/attention'
import { notices } from '../lib/notices.svelte'
import { m } from '../paraglide/messages'
import { BoxApi, BoxFailure, type BoxFailureCode } from './api'

const OVER: BoxFailureCode[] = ['not_signed_in', 'forged', 'not_allowed']

export class BoxSession {
  readonly api = new BoxApi(unattended(window))
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
    if (!(error instanceof BoxFailure) || !OVER.includes(error.code)) return
    const before = this.#info?.account
    await this.load()
    if (before && !this.#info?.account) notices.show(m.box_session_over(), { tone: 'warning' })
  }
}
