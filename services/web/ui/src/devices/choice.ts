// The chosen devices, remembered on this computer (TR2: strictly what the next meeting needs).

export interface Choice {
  microphone?: string
  camera?: string
  speaker?: string
}

const KEY = 'plenum.devices'

export function rememberedChoice(): Choice {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    if (typeof kept !== 'object' || kept === null) return {}
    const choice: Choice = {}
    for (const kind of ['microphone', 'camera', 'speaker'] as const) {
      const id = (kept as Record<string, unknown>)[kind]
      if (typeof id === 'string' && id !== '') choice[kind] = id
    }
    return choice
  } catch {
    return {}
  }
}

export function rememberChoice(choice: Choice): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(choice))
  } catch {
    // A forbidden store costs the memory, nothing else.
  }
}
