import type { Reaction } from '../generated/protocol'
import { m } from '../paraglide/messages'

export const reactions: Reaction[] = ['thumbs_up', 'applause', 'heart', 'laugh', 'surprise', 'thumbs_down']

export const reactionNames: Record<Reaction, () => string> = {
  thumbs_up: m.reaction_thumbs_up,
  thumbs_down: m.reaction_thumbs_down,
  applause: m.reaction_applause,
  heart: m.reaction_heart,
  laugh: m.reaction_laugh,
  surprise: m.reaction_surprise,
}
