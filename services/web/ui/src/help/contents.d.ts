// What scripts/manual.js makes of the README of the manual.

declare module '*/operations/README.md' {
  export const contents: Record<'de' | 'en', { page: string; title: string; what: string; whom: string }[]>
}
