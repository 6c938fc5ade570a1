// The relays as the self-test wants them.

import type { IceServer } from '../../generated/protocol'

/** Over TLS alone: who is in a network where only TCP 443 is open has no other. */
export function overTls(servers: readonly IceServer[]): IceServer[] {
  return servers
    .map((server) => ({ ...server, urls: server.urls.filter((url) => url.startsWith('turns:')) }))
    .filter(({ urls }) => urls.length > 0)
}
