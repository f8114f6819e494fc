// Where the reader is, kept in the address bar: ?as=U..&channel=C..&thread=TS.
// A link, a screenshot or a second window is then always the same place.
import { useCallback, useEffect, useState } from 'react'

export interface Route {
  as?: string
  channel?: string
  thread?: string
  ts?: string // the message to point out
  home?: string // the app whose Home is open, in place of a channel
}

const LAST = 'slacksim.as'

// readRoute also takes thread_ts, which is what permalinks carry.
export function readRoute(search: string): Route {
  const query = new URLSearchParams(search)
  const take = (key: string) => query.get(key) || undefined
  return {
    as: take('as'),
    channel: take('channel'),
    thread: take('thread') ?? take('thread_ts'),
    ts: take('ts'),
    home: take('home'),
  }
}

export function writeRoute(route: Route): string {
  const query = new URLSearchParams()
  for (const key of ['as', 'channel', 'home', 'thread', 'ts'] as const) {
    const value = route[key]
    if (value) query.set(key, value)
  }
  return `/?${query}`
}

// permalink reads a link to a message of this workspace, /archives/C../p1763792000000100.
export function permalink(href: string, origin: string): Route | null {
  let url: URL
  try {
    url = new URL(href, origin)
  } catch {
    return null
  }
  if (url.origin !== origin) return null
  const found = /^\/archives\/([A-Z0-9]+)(?:\/p(\d{10})(\d{6}))?$/.exec(url.pathname)
  if (!found) return null
  const ts = found[2] ? `${found[2]}.${found[3]}` : undefined
  return { channel: found[1], ts, thread: url.searchParams.get('thread_ts') ?? undefined }
}

// useRoute remembers the identity per tab, so that a permalink opened without
// "as" is read by the person who sat in that tab.
export function useRoute(): [Route, (next: Route, replace?: boolean) => void] {
  const [route, setRoute] = useState<Route>(() => {
    const first = readRoute(location.search)
    return { ...first, as: first.as ?? sessionStorage.getItem(LAST) ?? undefined }
  })
  useEffect(() => {
    const back = () => setRoute(readRoute(location.search))
    addEventListener('popstate', back)
    return () => removeEventListener('popstate', back)
  }, [])
  useEffect(() => {
    if (route.as) sessionStorage.setItem(LAST, route.as)
  }, [route.as])
  const go = useCallback((next: Route, replace = false) => {
    const url = writeRoute(next)
    if (replace || url === location.pathname + location.search) history.replaceState(null, '', url)
    else history.pushState(null, '', url)
    setRoute(next)
  }, [])
  return [route, go]
}
