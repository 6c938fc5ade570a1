// Shows one story: stories.html?story=room-9&lang=de&theme=dark&dir=rtl

import '../styles/base.css'
import '../styles/controls.css'
import { mount } from 'svelte'
import { applyLanguage, language } from '../lib/language.svelte'
import { appearance, type Theme } from '../lib/theme.svelte'
import StoryFrame from './StoryFrame.svelte'
import { stories } from './stories'

const query = new URLSearchParams(location.search)
if (query.get('lang') === 'de') language.choose('de')
if (query.has('theme')) appearance.choose(query.get('theme') as Theme)
if (query.has('dir')) document.documentElement.dir = query.get('dir') ?? 'ltr'
applyLanguage()
Object.assign(window, { stories: Object.keys(stories) })

const name = query.get('story')
const story = name === null ? undefined : stories[name]
const target = document.getElementById('app')
if (target && story) mount(StoryFrame, { target, props: { story } })
else if (target) {
  for (const each of Object.keys(stories)) {
    const link = document.createElement('a')
    link.href = `?story=${each}`
    link.textContent = each
    target.append(link)
  }
}
