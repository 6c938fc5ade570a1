/** Whoever reads a page touches it now and then. */
const PATIENCE = 60_000
const TOUCHES = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'focusin']

/** Tells at any time whether nobody has used the page for a minute; opening it is using it. */
export function unattended(page: EventTarget, now: () => number = () => performance.now()): () => boolean {
  let last = now()
  const touched = () => {
    last = now()
  }
  for (const touch of TOUCHES) page.addEventListener(touch, touched, { capture: true, passive: true })
  return () => now() - last >= PATIENCE
}
