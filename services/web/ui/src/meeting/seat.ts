// The secret of this client's seat, kept over a reload of the page (TR2: only as long as the tab).

const KEY = 'plenum.seat'

interface Kept {
  /** The secret of `welcome`. */
  resume: string
  /** The number of the newest media connection: the next one needs another. */
  connections: number
}

/**
 * In the store only while the page is hidden or going away: a tab that the user duplicates copies
 * sessionStorage, and must not take the seat of the running one.
 */
export class Seat {
  /** What an earlier load of the page left for this one. */
  readonly earlier: Kept | undefined
  #resume: string | undefined
  readonly #stop = new AbortController()

  constructor(
    private readonly link: string,
    private readonly connections: () => number,
  ) {
    this.earlier = this.#take()
    this.#resume = this.earlier?.resume
    const { signal } = this.#stop
    addEventListener('pagehide', () => this.#put(), { signal })
    addEventListener('pageshow', () => this.#take(), { signal })
    document.addEventListener('visibilitychange', () => (document.hidden ? this.#put() : this.#take()), { signal })
  }

  get resume(): string | undefined {
    return this.#resume
  }

  set resume(secret: string) {
    this.#resume = secret
  }

  /** The seat is given up. */
  clear(): void {
    this.#stop.abort()
    this.#resume = undefined
    this.#take()
  }

  #put(): void {
    if (this.#resume === undefined) return
    const kept: Kept = { resume: this.#resume, connections: this.connections() }
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ link: this.link, ...kept }))
    } catch {
      // A full or forbidden store costs the seat after a reload, nothing else.
    }
  }

  #take(): Kept | undefined {
    try {
      const text = sessionStorage.getItem(KEY)
      sessionStorage.removeItem(KEY)
      const { link, resume, connections } = JSON.parse(text ?? '{}') as Partial<Kept> & { link?: string }
      if (link === this.link && typeof resume === 'string') return { resume, connections: connections ?? 0 }
    } catch {
      // Forbidden, or not ours.
    }
    return undefined
  }
}
