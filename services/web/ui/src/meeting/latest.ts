/**
 * Sends the newest value of something, and only when it differs from what was sent last: the first
 * change at once, the following ones `interval` milliseconds apart, so that no rate limit is met.
 */
export class Latest<T> {
  #wanted: string | undefined
  #sent: string | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly interval: number,
    /** False if it could not be sent; `again` is called when it can. */
    private readonly send: (value: T) => boolean,
  ) {}

  set(value: T): void {
    this.#wanted = JSON.stringify(value)
    if (this.#timer === undefined) this.#flush()
  }

  /** The other side knows nothing of it (any more): sends the newest value, now or after `delay`. */
  again(delay = 0): void {
    this.#sent = undefined
    clearTimeout(this.#timer)
    if (delay > 0) this.#wait(delay)
    else this.#flush()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#wanted = undefined
  }

  #flush(): void {
    this.#timer = undefined
    if (this.#wanted === undefined || this.#wanted === this.#sent) return
    if (!this.send(JSON.parse(this.#wanted) as T)) return
    this.#sent = this.#wanted
    this.#wait(this.interval)
  }

  #wait(delay: number): void {
    this.#timer = setTimeout(() => this.#flush(), delay)
  }
}
