/** On a phone a focused field opens a keyboard that covers half of the page: only where there are real keys. */
export function focusToType(field: HTMLElement | undefined): void {
  if (matchMedia('(hover: hover)').matches) field?.focus({ preventScroll: true })
}
