// The meeting room as one part, loaded while the user is still on the pre-join page.

export { Meeting, prepareMeeting } from '../meeting/meeting.svelte'
export { default as Room } from './Room.svelte'
