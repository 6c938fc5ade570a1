// The pages. Of `/join#SECRET` the secret is behind `#` so that no server ever sees it in a URL.

export type Route =
  | { page: 'start' | 'setup' | 'admin' | 'unknown' }
  | { page: 'join'; link: string }
  /** Without a topic, the list of them; `anchor` is a heading's. */
  | { page: 'help'; topic: string | undefined; anchor: string }

export function routeOf(pathname: string, hash: string): Route {
  if (pathname === '/' || pathname === '/index.html') return { page: 'start' }
  if (pathname === '/join' || pathname === '/join/') {
    const link = hash.replace(/^#/, '')
    return link ? { page: 'join', link } : { page: 'start' }
  }
  if (/^\/setup\/?$/.test(pathname)) return { page: 'setup' }
  if (/^\/admin\/?$/.test(pathname)) return { page: 'admin' }
  const help = /^\/help(?:\/([\w-]+))?\/?$/.exec(pathname)
  if (help) return { page: 'help', topic: help[1], anchor: hash.replace(/^#/, '') }
  return { page: 'unknown' }
}

class Router {
  #route = $state.raw<Route>({ page: 'start' })

  get route(): Route {
    return this.#route
  }

  start(): void {
    const read = () => {
      this.#route = routeOf(location.pathname, location.hash)
    }
    read()
    addEventListener('popstate', read)
  }

  go(path: string): void {
    history.pushState(null, '', path)
    this.#route = routeOf(location.pathname, location.hash)
    scrollTo(0, 0)
  }

  /** For the click handler of an `<a href>` within this site. */
  follow = (event: MouseEvent): void => {
    const { currentTarget } = event
    if (!(currentTarget instanceof HTMLAnchorElement)) return
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    this.go(currentTarget.pathname + currentTarget.hash)
  }
}

export const router = new Router()

/** The secret part of what somebody pasted: a whole link, or the secret alone. */
export type Pasted = { kind: 'link'; link: string } | { kind: 'elsewhere'; url: URL } | { kind: 'nonsense' }

export function readPasted(text: string, host: string): Pasted {
  const trimmed = text.trim()
  if (/^[A-Za-z0-9_-]{16,128}$/.test(trimmed)) return { kind: 'link', link: trimmed }
  const candidate = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`
  if (!URL.canParse(candidate)) return { kind: 'nonsense' }
  const url = new URL(candidate)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return { kind: 'nonsense' }
  const link = url.hash.replace(/^#/, '')
  if (!/^\/join\/?$/.test(url.pathname) || !link) return { kind: 'nonsense' }
  if (url.host !== host) return { kind: 'elsewhere', url }
  return { kind: 'link', link }
}

/** The link to hand on. */
export function linkTo(secret: string): string {
  return `${location.origin}/join#${secret}`
}
