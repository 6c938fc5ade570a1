// The scenes that `npm run look` visits: a story, the circumstances, and what is clicked.

const click = (id) => (page) => page.getByTestId(id).first().click()
const press = (keys) => (page) => page.keyboard.press(keys)
const then =
  (...steps) =>
  async (page) => {
    for (const step of steps) {
      await step(page)
      await page.waitForTimeout(120)
    }
  }
const tell = (event) => (page) => page.evaluate((event) => globalThis.meeting.tell(event), event)

const joined = { kind: 'joined', person: 2, name: 'Mehmet Yıldız' }
const chatted = { kind: 'chat', person: 2, name: 'Mehmet Yıldız', text: 'Shall we begin?', own: false }
const mutedBy = { kind: 'muted_by', person: 2, name: 'Mehmet Yıldız' }

/** Each in light English, and in dark German. */
const states = [
  { name: 'start', story: 'start' },
  { name: 'start-empty', story: 'start', steps: then(click('create-button'), click('open-link-button')) },
  {
    name: 'start-elsewhere',
    story: 'start',
    steps: then(
      (page) => page.getByTestId('link-input').fill('https://other.example/join#abcdefghijklmnopqrst'),
      click('open-link-button'),
    ),
  },
  { name: 'start-language', story: 'start', steps: click('language-menu') },
  { name: 'start-theme', story: 'start', steps: click('theme-menu') },
  { name: 'created', story: 'created' },
  { name: 'not-found', story: 'not-found' },
  { name: 'looking', story: 'looking', wait: 600 },
  { name: 'prejoin', story: 'prejoin' },
  { name: 'prejoin-on', story: 'prejoin', steps: then(click('mic-toggle'), click('camera-toggle')), wait: 300 },
  { name: 'prejoin-no-name', story: 'prejoin', steps: click('join-button') },
  { name: 'prejoin-host', story: 'prejoin-host' },
  { name: 'prejoin-no-devices', story: 'prejoin-no-devices' },
  { name: 'prejoin-blocked', story: 'prejoin-blocked', steps: then(click('mic-toggle'), click('camera-toggle')) },
  { name: 'prejoin-joining', story: 'prejoin-joining' },
  { name: 'outcome-unknown_link', story: 'outcome-unknown_link' },
  { name: 'outcome-too_many_attempts', story: 'outcome-too_many_attempts' },
  { name: 'outcome-left', story: 'outcome-left' },
  { name: 'outcome-removed', story: 'outcome-removed' },
  { name: 'room-alone', story: 'room-alone' },
  { name: 'room-alone-guest', story: 'room-alone-guest' },
  { name: 'room-2', story: 'room-2' },
  { name: 'room-3', story: 'room-3' },
  { name: 'room-9', story: 'room-9' },
  { name: 'room-9-tile', story: 'room-9', steps: (page) => page.getByTestId('tile').nth(1).hover() },
  {
    name: 'room-9-tile-menu',
    story: 'room-9',
    steps: async (page) => {
      await page.getByTestId('tile').nth(4).hover()
      await page.getByTestId('tile-menu').nth(4).click()
    },
  },
  { name: 'room-9-quality', story: 'room-9', steps: click('quality-button') },
  { name: 'room-9-people', story: 'room-9', steps: click('people-toggle') },
  {
    name: 'room-9-person-menu',
    story: 'room-9',
    steps: then(click('people-toggle'), (page) => page.getByTestId('person-menu').nth(3).click()),
  },
  {
    name: 'room-9-remove',
    story: 'room-9',
    steps: then(
      click('people-toggle'),
      (page) => page.getByTestId('person-menu').nth(3).click(),
      click('remove-person'),
    ),
  },
  {
    name: 'room-9-reactions',
    story: 'room-9',
    steps: then(click('react-menu'), (page) =>
      page.evaluate(() => {
        for (const [person, reaction] of [
          [2, 'applause'],
          [3, 'heart'],
          [4, 'laugh'],
          [5, 'surprise'],
          [6, 'thumbs_up'],
          [7, 'thumbs_down'],
        ])
          globalThis.meeting.reactBy(person, reaction)
      }),
    ),
  },
  { name: 'room-9-layout', story: 'room-9', steps: click('layout-menu') },
  {
    name: 'room-9-speaker',
    story: 'room-9',
    steps: then(click('layout-menu'), (page) => page.locator('[data-layout=speaker][role]').click()),
  },
  {
    name: 'room-9-pins',
    story: 'room-9',
    steps: async (page) => {
      for (const name of ['Mehmet Yıldız', 'Olga Petrowa'])
        await page.getByTestId('tile').filter({ hasText: name }).dblclick()
    },
  },
  { name: 'room-9-devices', story: 'room-9', steps: click('microphone-menu') },
  { name: 'room-9-more', story: 'room-9', steps: click('more-menu') },
  { name: 'room-9-shortcuts', story: 'room-9', steps: press('Control+/') },
  { name: 'room-9-leave', story: 'room-9', steps: click('leave-button') },
  { name: 'room-9-end', story: 'room-9', steps: then(click('leave-button'), click('end-for-all')) },
  { name: 'room-9-invite', story: 'room-9', steps: click('invite-button') },
  { name: 'room-9-toasts', story: 'room-9', steps: then(tell(joined), tell(chatted), tell(mutedBy)) },
  {
    name: 'room-9-focus-tile',
    story: 'room-9',
    steps: then((page) => page.getByTestId('pin-toggle').nth(0).focus(), press('ArrowRight')),
  },
  { name: 'room-no-video', story: 'room-no-video' },
  { name: 'room-60', story: 'room-60' },
  { name: 'room-60-people', story: 'room-60', steps: click('people-toggle') },
  {
    name: 'room-60-speaker',
    story: 'room-60',
    steps: then(click('layout-menu'), (page) => page.locator('[data-layout=speaker][role]').click()),
  },
  { name: 'room-screen', story: 'room-screen' },
  {
    name: 'room-screen-pinned',
    story: 'room-screen',
    steps: (page) => page.getByTestId('tile').filter({ hasText: 'Mehmet' }).dblclick(),
  },
  {
    name: 'room-screen-focus',
    story: 'room-screen',
    steps: then(click('layout-menu'), (page) => page.locator('[data-layout=focus][role]').click()),
  },
  { name: 'room-own-screen', story: 'room-own-screen' },
  { name: 'room-chat', story: 'room-chat', steps: click('chat-toggle') },
  {
    name: 'room-chat-unread',
    story: 'room-chat',
    steps: (page) => page.evaluate(() => globalThis.meeting.write(2, 'Are you there?')),
  },
  { name: 'room-chat-empty', story: 'room-3', steps: click('chat-toggle') },
  {
    name: 'room-chat-too-long',
    story: 'room-3',
    steps: then(click('chat-toggle'), (page) => page.getByTestId('chat-input').fill('long '.repeat(900))),
  },
  { name: 'room-reconnecting', story: 'room-reconnecting' },
  { name: 'room-offline', story: 'room-offline' },
  { name: 'room-media-restarting', story: 'room-media-restarting' },
  { name: 'room-media-blocked', story: 'room-media-blocked' },
  { name: 'room-problem', story: 'room-problem', steps: click('mic-toggle') },
  {
    name: 'room-own-quality',
    story: 'room-own-quality',
    steps: then(click('quality-button'), (page) => page.waitForTimeout(200)),
  },
]

const phone = { width: 390, height: 844 }
const more = [
  ...[
    'start',
    'created',
    'prejoin',
    'prejoin-on',
    'outcome-left',
    'room-alone',
    'room-2',
    'room-9',
    'room-screen',
    'room-60',
    'room-no-video',
    'room-reconnecting',
    'room-9-toasts',
    'room-9-layout',
    'room-9-shortcuts',
    'room-9-leave',
    'room-9-end',
    'room-9-more',
    'room-chat',
    'room-problem',
  ].map((name) => ({ ...states.find((state) => state.name === name), ...phone, name: `${name}-phone`, lang: 'de' })),
  {
    ...phone,
    name: 'room-people-phone',
    story: 'room-9',
    steps: then(click('more-menu'), click('people-toggle-item')),
  },
  { ...phone, name: 'room-devices-phone', story: 'room-9', steps: then(click('more-menu'), click('settings-item')) },
  ...['start', 'prejoin', 'room-2', 'room-chat', 'room-9-shortcuts'].map((name) => ({
    ...states.find((state) => state.name === name),
    name: `${name}-320`,
    width: 320,
    height: 568,
    lang: 'de',
  })),
  ...['start', 'prejoin', 'room-9', 'room-screen'].map((name) => ({
    ...states.find((state) => state.name === name),
    name: `${name}-sideways`,
    width: 740,
    height: 360,
  })),
  ...['start', 'prejoin', 'room-9', 'room-chat'].map((name) => ({
    ...states.find((state) => state.name === name),
    name: `${name}-large-text`,
    zoom: 200,
    width: 1280,
    height: 900,
  })),
  ...['start', 'prejoin', 'room-9', 'room-60', 'room-chat'].map((name) => ({
    ...states.find((state) => state.name === name),
    name: `${name}-4k`,
    width: 3840,
    height: 2160,
  })),
  ...['start', 'prejoin', 'room-9', 'room-9-people', 'room-9-layout'].map((name) => ({
    ...states.find((state) => state.name === name),
    name: `${name}-forced`,
    forced: true,
    theme: 'dark',
  })),
  ...['start', 'room-screen', 'room-9-people', 'room-chat', 'room-60'].map((name) => ({
    ...states.find((state) => state.name === name),
    name: `${name}-rtl`,
    dir: 'rtl',
  })),
]

export const scenes = [
  ...states,
  ...states.map((state) => ({ ...state, name: `${state.name}-dark-de`, lang: 'de', theme: 'dark' })),
  ...more,
]
