// Several names or addresses in one field.

export const listed = (items: readonly string[]): string => items.join(' ')

/** Between spaces, commas and semicolons. */
export const words = (text: string): string[] => text.split(/[\s,;]+/).filter((word) => word !== '')
