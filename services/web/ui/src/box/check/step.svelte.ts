// What a step of the set-up has stored is tried out before it lets on.

import type { SetupStep } from '../../generated/protocol'
import { boxFailureText } from '../failures'
import type { BoxSession } from '../session.svelte'
import { type Finding, finding } from './words'

export class StepCheck {
  running = $state(false)
  /** What is left open, with what is well beside it; empty where all is well. */
  findings = $state.raw<Finding[]>([])
  problem = $state<string | undefined>()
  /** What was tried is what stands in the form. */
  fresh = $state(false)
  #over = false

  constructor(
    readonly session: () => BoxSession,
    readonly step: () => SetupStep,
    /** To the next step. */
    readonly on: () => void | Promise<void>,
  ) {}

  /** Goes on by itself if nothing is left open. */
  async run(): Promise<void> {
    if (this.running) return
    this.forget()
    this.running = true
    try {
      await this.#ask()
    } finally {
      this.running = false
    }
  }

  /** Before something else is tried. */
  forget(): void {
    this.findings = []
    this.problem = undefined
  }

  /** Nobody is at this step any more: what is asked still leads nowhere. */
  end(): void {
    this.#over = true
  }

  async #ask(): Promise<void> {
    try {
      const checks = await this.session().api.checkStep(this.step())
      if (this.#over) return
      if (checks.every(({ outcome }) => outcome === 'good' || outcome === 'skipped')) return await this.on()
      this.findings = checks.map(finding).filter(({ outcome }) => outcome !== 'skipped')
    } catch (error) {
      if (this.#over) return
      this.problem = boxFailureText(error)
      await this.session().noticed(error)
    }
    this.fresh = true
  }
}
