// The operations manual as pages of the user interface: what stands in docs/operations becomes Svelte components while
// this is built, with the links of the router and with pictures under hashed names.

import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Marked } from 'marked'

export const MANUAL = fileURLToPath(new URL('../../../../docs/operations', import.meta.url))

/** @returns {import('svelte/compiler').PreprocessorGroup} for files that end in `.md` */
export function manual() {
  return {
    name: 'plenum-manual',
    markup({ content, filename }) {
      if (!filename?.startsWith(MANUAL)) return
      return { code: basename(filename) === 'README.md' ? contents(content) : component(content, filename) }
    },
  }
}

/** The pages in the order of the README's tables, by language. */
function contents(/** @type {string} */ readme) {
  const rows = readme.matchAll(/^\| \[(.+?)\]\((\w+)\/([\w-]+)\.md\) \| (.+?) \| (.+?) \|$/gm)
  /** @type {Record<string, { page: string, title: string, what: string, whom: string }[]>} */
  const pages = {}
  for (const [, title, language, page, what, whom] of rows) {
    pages[language] ??= []
    pages[language].push({ page, title, what: what.replaceAll('`', ''), whom })
  }
  return `<script module>export const contents = ${JSON.stringify(pages)}</script>`
}

function component(/** @type {string} */ markdown, /** @type {string} */ filename) {
  const language = basename(dirname(filename))
  const page = basename(filename, '.md')
  const headings = anchored(language, page)
  /** @type {string[]} */
  const pictures = []
  let heading = 0

  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        const { id } = headings[heading++]
        // The frame of the page has it.
        if (depth === 1) return ''
        // Whoever follows a link to a heading goes on reading there, with a screen reader too.
        return `<h${depth} id="${id}" tabindex="-1">${this.parser.parseInline(tokens)}</h${depth}>\n`
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens)
        const target = address(href, language, page)
        return target ? `<a href="${target}" onclick=%follow%>${text}</a>` : text
      },
      image({ href, text }) {
        const { width, height } = size(join(dirname(filename), href))
        const source = `%picture${pictures.push(href) - 1}%`
        const picture = `<img src=${source} alt="${escapeHtml(text)}" width="${width}" height="${height}" loading="lazy" />`
        return `<a class="picture" href=${source} target="_blank">${picture}</a>`
      },
      code({ text }) {
        // What scrolls must be reached with the keyboard.
        return `<!-- svelte-ignore a11y_no_noninteractive_tabindex -->\n<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>\n`
      },
      table({ header, rows }) {
        const names = header.map(({ tokens }) => this.parser.parseInline(tokens))
        const head = names.map((name) => `<th scope="col">${name}</th>`).join('')
        // Where it is narrow, each row is a block, and its cells name their column.
        const cell = (/** @type {import('marked').Tokens.TableCell} */ { tokens }, /** @type {number} */ column) =>
          `<td data-column="${escapeHtml(header[column].text)}">${this.parser.parseInline(tokens)}</td>`
        const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n')
        const wide = header.length > 3 ? ' class="wide"' : ''
        return `<table${wide}><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>\n`
      },
    },
  })
  const html = String(marked.parse(markdown))
    .replaceAll(/[{}]/g, (brace) => `&#${brace.charCodeAt(0)};`)
    .replaceAll(/%(follow|picture\d+)%/g, (_, name) => (name === 'follow' ? '{router.follow}' : `{${name}}`))
  const imports = pictures.map((path, index) => `import picture${index} from ${JSON.stringify(path)}`)
  return `<script module>
export const headings = ${JSON.stringify(headings)}
</script>
<script>
import { router } from '/src/lib/router.svelte'
${imports.join('\n')}
</script>
${html}`
}

/**
 * The headings of a page. Their anchors are those of the English page in every language, so that whoever changes the
 * language stays where they are, and a link needs one anchor.
 */
function anchored(/** @type {string} */ language, /** @type {string} */ page) {
  const own = headings(language, page)
  const english = headings('en', page)
  const same = own.length === english.length && own.every(({ level }, index) => level === english[index].level)
  if (!same) throw new Error(`docs/operations/${language}/${page}.md has other headings than the English page`)
  return own.map((heading, index) => ({ ...heading, id: english[index].id }))
}

function headings(/** @type {string} */ language, /** @type {string} */ page) {
  const tokens = new Marked().lexer(readFileSync(join(MANUAL, language, `${page}.md`), 'utf8'))
  return tokens
    .filter((token) => token.type === 'heading')
    .map(({ depth, text }) => ({ level: depth, text: text.replaceAll('`', ''), id: slug(text) }))
}

/** As GitHub makes it: the links of the manual hold there as well. */
function slug(/** @type {string} */ text) {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/gu, '-')
}

/** Of a link in the manual; undefined for what is no page of it, and so not on the box. */
function address(/** @type {string} */ href, /** @type {string} */ language, /** @type {string} */ page) {
  if (href.startsWith('../')) return undefined
  const [file, anchor] = decodeURI(href).split('#')
  const there = file ? basename(file, '.md') : page
  if (anchor === undefined) return `/help/${there}`
  const index = headings(language, there).findIndex(({ id }) => id === anchor)
  if (index < 0) throw new Error(`docs/operations/${language}/${page}.md links to ${href}, which is not there`)
  return `/help/${there}#${headings('en', there)[index].id}`
}

/** Of a WebP file with an extended header (RFC 9649 section 2.7), in pixels. */
function size(/** @type {string} */ file) {
  const bytes = readFileSync(file)
  if (bytes.toString('latin1', 8, 16) !== 'WEBPVP8X') throw new Error(`${file} is not as scripts/pictures.js writes it`)
  return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 }
}

function escapeHtml(/** @type {string} */ text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
