// Small helpers for text: initials, times, links in chat.

/** One or two letters that stand for a person without a picture. */
export function initials(name: string): string {
  const words = name.split(/[\s\p{P}]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word))
  const first = words[0]
  if (first === undefined) return '?'
  const last = words.length > 1 ? words[words.length - 1] : undefined
  return [first, last].map((word) => (word === undefined ? '' : [...word][0]?.toLocaleUpperCase())).join('')
}

/** One of the eight colours of Avatar.svelte, always the same for the same person. */
export function hueOf(person: number): number {
  // Neighbours in the roster get colours that lie apart.
  return (person * 5) % 8
}

/** `0:07`, `12:34`, `1:02:03`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const pad = (value: number) => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`
}

export function clock(time: number, language: string): string {
  return new Intl.DateTimeFormat(regional(language), { hour: '2-digit', minute: '2-digit' }).format(time)
}

/** The user's own variety of a language: in Britain the clock has 24 hours, in America 12. */
function regional(language: string): string {
  return navigator.languages.find((tag) => tag.toLowerCase().split('-')[0] === language) ?? language
}

/** Where a contact in free words leads to; undefined: it is to be read. */
export function contactHref(text: string): string | undefined {
  if (/^https:\/\/\S+$/u.test(text) && URL.canParse(text)) return text
  const [, person, host] = /^([^\s@<>"]+)@([^\s@<>"?&]+\.[^\s@<>"?&]+)$/u.exec(text) ?? []
  return person && host ? `mailto:${encodeURIComponent(person)}@${host}` : undefined
}

export type TextPart = { text: string; href?: string }

const LINK = /https?:\/\/[^\s<>"'`]+/giu

/** Splits a chat message into text and links. Nothing but http and https becomes a link. */
export function linkify(text: string): TextPart[] {
  const parts: TextPart[] = []
  let end = 0
  for (const match of text.matchAll(LINK)) {
    const found = trimLink(match[0])
    if (!URL.canParse(found)) continue
    if (match.index > end) parts.push({ text: text.slice(end, match.index) })
    parts.push({ text: found, href: new URL(found).href })
    end = match.index + found.length
  }
  if (end < text.length) parts.push({ text: text.slice(end) })
  return parts
}

/** A full stop or a closing bracket behind a link belongs to the sentence. */
function trimLink(link: string): string {
  let trimmed = link
  for (;;) {
    const last = trimmed.at(-1) ?? ''
    const opening = { ')': '(', ']': '[', '}': '{' }[last]
    const unbalanced = opening !== undefined && trimmed.split(last).length > trimmed.split(opening).length
    if (!/[.,;:!?*_~…]/u.test(last) && !unbalanced) return trimmed
    trimmed = trimmed.slice(0, -1)
  }
}
