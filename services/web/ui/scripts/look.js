// Shows every state of the user interface in a real browser, under the content security policy that the
// product is served with: takes pictures, and lets axe look at each.
//
//   npm run look [-- FILTER…] [--pictures] [--chromium PATH]
//
// A filter is a part of a scene's name; pictures go to dist-stories/pictures.

import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { extname, join, normalize } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { build } from 'vite'
import { scenes } from './scenes.js'

const { values, positionals } = parseArgs({
  options: { pictures: { type: 'boolean' }, chromium: { type: 'string', default: '/usr/bin/chromium' } },
  allowPositionals: true,
})

const DIST = 'dist-stories'
const OPTIONS = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'EN-301-549', 'best-practice'],
  // Open menus lie outside the landmarks, as the ARIA practices have them.
  rules: { region: { enabled: false } },
}
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; media-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

function serve() {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname)
    if (path === '/api/about') {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ version: '0.0.0', protocol: 1, host_key_needed: true }))
      return
    }
    try {
      const body = readFileSync(join(DIST, path))
      response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream')
      response.setHeader('content-security-policy', POLICY)
      response.end(body)
    } catch {
      response.statusCode = 404
      response.end()
    }
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

async function look(browser, origin, scene) {
  const { name, story, lang = 'en', theme = 'light', dir, width = 1440, height = 900, steps } = scene
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme === 'dark' ? 'dark' : 'light',
    forcedColors: scene.forced ? 'active' : 'none',
    reducedMotion: 'reduce',
    hasTouch: width < 600,
    ignoreHTTPSErrors: true,
  })
  const problems = []
  const page = await context.newPage()
  page.on('console', (message) => message.type() === 'error' && problems.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) problems.push(`request to ${request.url()}`)
  })
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) =>
      // biome-ignore lint/suspicious/noConsole: in the page, where the listener above hears it
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`),
    )
  })
  const query = new URLSearchParams({ story, lang, ...(dir ? { dir } : {}) })
  try {
    await page.goto(`${origin}/stories.html?${query}`)
    await page.locator('h1').first().waitFor({ state: 'attached' })
  } catch (error) {
    await context.close()
    return [...problems, `nothing to see: ${error.message.split('\n')[0]}`]
  }
  if (scene.zoom) await page.evaluate((zoom) => (document.documentElement.style.fontSize = `${zoom}%`), scene.zoom)
  await page.waitForTimeout(scene.wait ?? 350)
  try {
    await steps?.(page)
  } catch (error) {
    problems.push(`step: ${error.message.split('\n')[0]}`)
  }
  await page.waitForTimeout(150)
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  if (sideways > 0) problems.push(`scrolls sideways by ${sideways} px`)
  if (values.pictures) await page.screenshot({ path: `${DIST}/pictures/${name}.png` })
  await page.evaluate(axe)
  const { violations } = await page.evaluate((options) => globalThis.axe.run(document, options), OPTIONS)
  for (const { id, nodes } of violations) {
    problems.push(...nodes.map((node) => `axe ${id}: ${node.target} ${node.failureSummary?.replaceAll('\n', ' ')}`))
  }
  await context.close()
  return problems
}

if (!process.env.LOOK_BUILT) await build({ mode: 'stories', logLevel: 'warn' })
mkdirSync(`${DIST}/pictures`, { recursive: true })
const server = await serve()
const origin = `http://127.0.0.1:${server.address().port}`
const browser = await chromium.launch({
  executablePath: values.chromium,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
})
const chosen = scenes.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)))
let failed = 0
for (const scene of chosen) {
  const problems = await look(browser, origin, scene)
  if (problems.length > 0) failed += 1
  for (const problem of problems) process.stdout.write(`${scene.name}: ${problem}\n`)
}
process.stdout.write(`${chosen.length} scenes, ${failed} with problems\n`)
await browser.close()
server.close()
process.exitCode = failed > 0 ? 1 : 0
