// Keyboard shortcuts. Their results are announced: a key press has no button to look at.

import type { Notices } from '../lib/notices.svelte'
import { m } from '../paraglide/messages'
import type { RoomView } from './view.svelte'

export type Action = 'microphone' | 'camera' | 'screen' | 'hand' | 'people' | 'chat' | 'help' | 'regions' | 'talk'

const isApple = () => /Mac|iPhone|iPad/.test(navigator.platform)

/** Keys by their place on the keyboard, so that they are the same on every layout. */
const keys: Record<Exclude<Action, 'regions' | 'talk'>, { code: string; letter: string; both: boolean }> = {
  microphone: { code: 'KeyD', letter: 'D', both: false },
  camera: { code: 'KeyE', letter: 'E', both: false },
  // Ctrl+Alt is AltGr on many keyboards: none of these writes a character there.
  hand: { code: 'KeyH', letter: 'H', both: true },
  screen: { code: 'KeyS', letter: 'S', both: true },
  people: { code: 'KeyP', letter: 'P', both: true },
  chat: { code: 'KeyC', letter: 'C', both: true },
  help: { code: 'Slash', letter: '/', both: false },
}

/** As written on the keys. */
export function shortcutOf(action: Action): string {
  if (action === 'regions') return 'F6'
  if (action === 'talk') return m.key_space()
  const { letter, both } = keys[action]
  if (isApple()) return both ? `⌃⌘${letter}` : `⌘${letter}`
  const control = m.key_control()
  return both ? `${control}+Alt+${letter}` : `${control}+${letter}`
}

function actionOf(event: KeyboardEvent): Action | undefined {
  if (event.key === 'F6' && !event.ctrlKey && !event.altKey && !event.metaKey) return 'regions'
  if (event.shiftKey && event.key !== '/') return undefined
  const apple = isApple()
  const one = apple ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey
  const both = apple ? event.metaKey && event.ctrlKey : event.ctrlKey && event.altKey
  for (const [action, key] of Object.entries(keys)) {
    // The slash is elsewhere on many keyboards: go by what it writes.
    const matches = key.code === 'Slash' ? event.key === '/' : event.code === key.code
    if (matches && (key.both ? both : one && !event.altKey)) return action as Action
  }
  return undefined
}

const INTERACTIVE = 'a, button, input, textarea, select, summary, [contenteditable], [role=menu], [role=dialog]'

export function listen(view: RoomView, notices: Notices): () => void {
  const { meeting } = view
  let talking = false

  const run = (action: Action, backwards: boolean) => {
    switch (action) {
      case 'microphone':
      case 'camera':
      case 'screen':
        void view.toggle(action)
        break
      case 'hand':
        view.toggleHand()
        break
      case 'people':
      case 'chat':
        view.togglePanel(action)
        notices.say(panelText(view))
        break
      case 'help':
        view.dialog = view.dialog === 'shortcuts' ? undefined : 'shortcuts'
        break
      case 'regions':
        nextRegion(backwards)
        break
      case 'talk':
        break
    }
  }

  const down = (event: KeyboardEvent) => {
    const action = actionOf(event)
    if (action) {
      event.preventDefault()
      if (!event.repeat) run(action, event.shiftKey)
      return
    }
    if (event.code !== 'Space' || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return
    if (talking) {
      event.preventDefault()
      return
    }
    const busy = event.target instanceof Element && event.target.closest(INTERACTIVE) !== null
    if (busy || event.repeat || !view.pushToTalk || meeting.microphone.on) return
    event.preventDefault()
    talking = true
    void view.toggle('microphone')
  }

  const up = (event: KeyboardEvent) => {
    if (event.code === 'Space') stop()
  }

  const stop = () => {
    if (!talking) return
    talking = false
    void meeting.setMicrophone(false)
  }

  addEventListener('keydown', down)
  addEventListener('keyup', up)
  addEventListener('blur', stop)
  return () => {
    removeEventListener('keydown', down)
    removeEventListener('keyup', up)
    removeEventListener('blur', stop)
  }
}

function panelText({ panel }: RoomView): string {
  if (panel === undefined) return m.panel_closed()
  return panel === 'chat' ? m.panel_chat_opened() : m.panel_people_opened()
}

/** F6 goes from the toolbar to the open panel to the stage and round again. */
function nextRegion(backwards: boolean): void {
  const regions = ['[data-region=toolbar]', '[data-region=panel]', 'main']
    .map((selector) => document.querySelector<HTMLElement>(selector))
    .filter((region) => region !== null)
  if (backwards) regions.reverse()
  const at = regions.findIndex((region) => region.contains(document.activeElement))
  const order = [...regions.slice(at + 1), ...regions.slice(0, at + 1)]
  for (const region of order) {
    const first = region.querySelector<HTMLElement>('button:not([tabindex="-1"]), textarea, input, a[href]')
    if (first === null) continue
    first.focus()
    return
  }
}
