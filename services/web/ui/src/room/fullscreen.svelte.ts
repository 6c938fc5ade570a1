import { createSubscriber } from 'svelte/reactivity'

class Fullscreen {
  readonly #changes = createSubscriber((update) => {
    document.addEventListener('fullscreenchange', update)
    return () => document.removeEventListener('fullscreenchange', update)
  })

  /** Not on phones of Apple. */
  get possible(): boolean {
    return document.fullscreenEnabled === true
  }

  get on(): boolean {
    this.#changes()
    return document.fullscreenElement != null
  }

  toggle = (): void => {
    // The browser may refuse; then nothing changes on the screen either.
    const changed = document.fullscreenElement
      ? document.exitFullscreen()
      : document.documentElement.requestFullscreen()
    changed.catch(() => {})
  }
}

export const fullscreen = new Fullscreen()
