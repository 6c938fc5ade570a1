// What this browser may do on the box.

import type { SessionInfo } from '../generated/protocol'
import { BoxApi, BoxFailure } from './api'

export class BoxSession {
  readonly api = new BoxApi()
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

  /** A session that has ended in the meantime leads back to the sign-in. */
  async noticed(error: unknown): Promise<void> {
    if (error instanceof BoxFailure && (error.code === 'not_signed_in' || error.code === 'forged')) await this.load()
  }
}
