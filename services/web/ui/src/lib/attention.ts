// Not that something got the focus: a page does that by itself, too.
const TOUCHES = ['pointerdown', 'pointermove', 'click', 'keydown', 'input', 'wheel']

/** Tells at any time for how many milliseconds nobody has used the page; opening it is using it. */
export function attention(page: EventTarget, now: () => number = () => performance.now()): () => number {
  let last = now()
  let place = ''
  const touched = (event: Event) => {
    if (event.type === 'pointermove') {
      // A browser tells of one when the page moves below a pointer that rests.
      const { screenX, screenY } = event as PointerEvent
      if (place === `${screenX} ${screenY}`) return
      place = `${screenX} ${screenY}`
    }
    last = now()
  }
  for (const touch of TOUCHES) page.addEventListener(touch, touched, { capture: true, passive: true })
  return () => now() - last
}
