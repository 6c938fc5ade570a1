import './styles/base.css'
import './styles/controls.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { institution } from './lib/institution.svelte'
import { applyLanguage } from './lib/language.svelte'
import { router } from './lib/router.svelte'
import { appearance } from './lib/theme.svelte'

applyLanguage()
appearance.apply()
institution.begin()
router.start()

const target = document.getElementById('app')
// index.html has it.
if (target) mount(App, { target })
