// Where the focus goes when what had it is gone (WCAG 2.4.3).

import { tick } from 'svelte'

/** To an element that the next drawing brings. */
export async function focusOn(id: string): Promise<void> {
  await tick()
  document.getElementById(id)?.focus()
}

/** To an element, if what had the focus went with the last drawing. */
export async function focusIfLost(id: string): Promise<void> {
  await tick()
  const element = document.getElementById(id)
  if (element) takesOver(element)
}

/** Takes the focus if nothing else has it: what stands here has replaced what had it. */
export function takesOver(element: HTMLElement): void {
  if (document.activeElement === document.body) element.focus()
}
