// Takes the pictures of the operations manual, of the pages as they are built: `cargo xtask pictures`.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { runnerImport } from 'vite'
import { MANUAL } from './manual.js'

const DIST = 'dist'
const LOCALES = { de: 'de-DE', en: 'en-GB' }
const WIDTH = 1100
/** Pictures stand between paragraphs: what is further down is told there. */
const HIGHEST = 1300
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
}

const { ORIGIN, NOW, pictures } = (await runnerImport('./src/stories/box.ts')).module

/** Nothing is asked of a server: pages come from the folder, answers from the example. */
function answer(route, answers) {
  const { pathname } = new URL(route.request().url())
  if (pathname === '/api/box/institution') return route.fulfill({ json: answers['box/settings/institution'] })
  if (pathname.startsWith('/api/')) {
    const json = answers[pathname.slice('/api/'.length)]
    return json === undefined ? route.fulfill({ status: 404, json: {} }) : route.fulfill({ json })
  }
  const file = extname(pathname) ? pathname : 'index.html'
  return route.fulfill({ body: readFileSync(join(DIST, file)), contentType: TYPES[extname(file)] })
}

/** In the page: where it ends, or where its last card does that fits, or the last part of the first one. */
function end(highest) {
  const whole = document.documentElement.scrollHeight
  if (whole <= highest) return whole
  const ends = (/** @type {string} */ parts) =>
    [...document.querySelectorAll(parts)]
      .map((part) => Math.ceil(part.getBoundingClientRect().bottom + scrollY) + 8)
      .filter((bottom) => bottom <= highest)
  const cards = ends('.card')
  return Math.max(...(cards.length > 0 ? cards : ends('.card form > *, .graphs summary')), ...ends('nav ul'))
}

/** In the page: what is plugged in at somebody's desk. */
function devices() {
  const plugged = ['audioinput', 'videoinput', 'audiooutput'].map((kind) => ({
    kind,
    deviceId: kind,
    groupId: kind,
    label: kind === 'videoinput' ? 'Webcam' : 'Headset',
  }))
  navigator.mediaDevices.enumerateDevices = async () => plugged
}

async function take(browser, language, { name, path, shows, answers }) {
  const context = await browser.newContext({
    viewport: { width: WIDTH, height: 500 },
    locale: LOCALES[language],
    timezoneId: 'Europe/Berlin',
    colorScheme: 'light',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  await page.clock.setFixedTime(NOW)
  await page.addInitScript(devices)
  await page.route('**/*', (route) => answer(route, answers))
  await page.goto(`${ORIGIN}${path}`)
  await page.getByTestId(shows).first().waitFor()
  await page.waitForLoadState('networkidle')
  const height = await page.evaluate(end, HIGHEST)
  const picture = await page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width: WIDTH, height } })
  await context.close()
  const file = join(MANUAL, 'images', language, `${name}.webp`)
  const bytes = await webp(browser, picture)
  writeFileSync(file, bytes)
  process.stdout.write(`${file}: ${Math.ceil(bytes.length / 1024)} KiB\n`)
}

/** As WebP: less than half of a PNG, and Chromium has the encoder. */
async function webp(browser, png) {
  const page = await browser.newPage()
  const encoded = await page.evaluate(
    async (source) => {
      const bitmap = await createImageBitmap(await (await fetch(source)).blob())
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
      canvas.getContext('2d', { alpha: false }).drawImage(bitmap, 0, 0)
      const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 0.8 })
      return Array.from(new Uint8Array(await blob.arrayBuffer()))
    },
    `data:image/png;base64,${png.toString('base64')}`,
  )
  await page.close()
  return Buffer.from(encoded)
}

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']

for (const language of Object.keys(LOCALES)) {
  mkdirSync(join(MANUAL, 'images', language), { recursive: true })
  // A browser of its own: what a field for a file says is in the browser's language, not in the page's.
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [...FLAGS, `--lang=${language}`],
    env: { ...process.env, LANGUAGE: language },
  })
  for (const picture of pictures) await take(browser, language, picture)
  await browser.close()
}
