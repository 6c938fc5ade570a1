// What the views use of the engine: its public side. The stories put fakes in its place.

import type { Devices } from '../devices/devices.svelte'
import type { Input } from '../devices/input.svelte'
import type { Camera, Microphone, Screen } from '../meeting/local-source.svelte'
import type { Meeting } from '../meeting/meeting.svelte'

type Shown = 'on' | 'busy' | 'problem' | 'stream'
export type SourceView = Pick<Microphone, Shown> | Pick<Camera, Shown> | Pick<Screen, Shown>
export type InputView = Pick<Input, 'stream' | 'busy' | 'problem' | 'permission' | 'open' | 'close'>

export type MeetingView = Omit<Pick<Meeting, keyof Meeting>, 'microphone' | 'camera' | 'screen'> & {
  readonly microphone: SourceView
  readonly camera: SourceView
  readonly screen: SourceView
}

export type DevicesView = Omit<Pick<Devices, keyof Devices>, 'microphone' | 'camera'> & {
  readonly microphone: InputView
  readonly camera: InputView
}
