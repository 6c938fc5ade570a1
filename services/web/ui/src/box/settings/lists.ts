// Several names or addresses in one field.

export const listed = (items: readonly string[]): string => items.join(' ')

/** Between spaces, commas and semicolons. */
export const words = (text: string): string[] => text.split(/[\s,;]+/).filter((word) => word !== '')

/** A number that is none is refused by the box, with the field that it is about. */
export function portNumber(text: string): number {
  return /^\d{1,5}$/.test(text.trim()) ? Math.min(Number(text), 65_535) : 0
}
