// Files between the browser and the API, which takes them in base64 (RFC 4648 section 4).

import type { SavedFile } from '../../generated/protocol'

/** Lets the browser save it, as if it had been a link. */
export function save(file: SavedFile): void {
  saveBytes(file.name, bytes(file.content))
}

export function saveBytes(name: string, content: Uint8Array<ArrayBuffer>): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}

export function bytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
}

/** In parts: a call has a limited number of arguments. */
export function base64(content: Uint8Array): string {
  const part = 0x8000
  let text = ''
  for (let start = 0; start < content.length; start += part) {
    text += String.fromCharCode(...content.subarray(start, start + part))
  }
  return btoa(text)
}
