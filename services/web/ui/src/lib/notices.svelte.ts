// What happened, for eyes (toasts) and for screen readers (two live regions). Live.svelte renders both.

export type Tone = 'plain' | 'good' | 'warning' | 'danger'

export interface ToastAction {
  label: string
  run: () => void
}

export interface Toast {
  id: number
  text: string
  tone: Tone
  icon?: string
  action?: ToastAction
  /** Toasts of one group replace each other, as do equal ones. */
  group?: string
}

interface Said {
  id: number
  text: string
}

const TOAST_MS = 5_000
const TOAST_WITH_ACTION_MS = 10_000
const SAID_MS = 10_000
const MOST_TOASTS = 3

export class Notices {
  toasts = $state.raw<Toast[]>([])
  polite = $state.raw<Said[]>([])
  assertive = $state.raw<Said[]>([])
  #next = 1
  #timers = new Map<number, ReturnType<typeof setTimeout>>()

  /** For screen readers only. */
  say(text: string, urgent = false): void {
    const said = { id: this.#next++, text }
    if (urgent) this.assertive = [...this.assertive, said]
    else this.polite = [...this.polite, said]
    setTimeout(() => {
      this.polite = this.polite.filter(({ id }) => id !== said.id)
      this.assertive = this.assertive.filter(({ id }) => id !== said.id)
    }, SAID_MS)
  }

  /** For everybody: shown for some seconds, and spoken. */
  show(text: string, options: Omit<Toast, 'id' | 'text' | 'tone'> & { tone?: Tone; urgent?: boolean } = {}): void {
    const { tone = 'plain', urgent = false, ...rest } = options
    const toast: Toast = { id: this.#next++, text, tone, ...rest }
    const same = (one: Toast) => one.text === text || (one.group !== undefined && one.group === toast.group)
    const kept = this.toasts.filter((one) => !same(one))
    this.toasts = [...kept, toast].slice(-MOST_TOASTS)
    this.resume(toast)
    this.say(text, urgent)
  }

  dismiss(toast: Toast): void {
    this.hold(toast)
    this.toasts = this.toasts.filter(({ id }) => id !== toast.id)
  }

  /** While somebody points at a toast, or stands on its button, it stays. */
  hold(toast: Toast): void {
    clearTimeout(this.#timers.get(toast.id))
    this.#timers.delete(toast.id)
  }

  resume(toast: Toast): void {
    this.hold(toast)
    const time = toast.action ? TOAST_WITH_ACTION_MS : TOAST_MS
    this.#timers.set(
      toast.id,
      setTimeout(() => this.dismiss(toast), time),
    )
  }
}

export const notices = new Notices()
