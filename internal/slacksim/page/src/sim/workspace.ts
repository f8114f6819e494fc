// What one person sees of the workspace, kept up to date by the event stream.
// Events only say what changed; the truth is always read again from the API, so
// a lost event can delay the page but never mislead it.
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react'
import { Refusal, sim, type Channel, type Message, type State, type User, type View } from './api'
import { useEvents } from './events'
import type { Route } from './route'
import type { Toast } from '../parts/Toasts'

export interface Workspace {
  as: string
  me?: User
  state: State
  users: Map<string, User>
  channels: Map<string, Channel>
  zone?: string
  live: boolean
  sockets: number
  route: Route
  go(next: Route, replace?: boolean): void
  notify(text: string, level?: Toast['level']): void
  attempt(step: Promise<unknown>): Promise<boolean> // a failure becomes a toast
}

const Context = createContext<Workspace | null>(null)
export const WorkspaceProvider = Context.Provider

export function useWorkspace(): Workspace {
  const workspace = useContext(Context)
  if (!workspace) throw new Error('useWorkspace outside of the workspace')
  return workspace
}

export interface Session {
  workspace?: Workspace
  trouble?: string
  messages?: Message[] // of the open channel
  replies?: Message[] // of the open thread
  view: View | null
  home: View | null
  statuses: Record<string, string> // by channel and thread
  toasts: Toast[]
  dismiss(id: number): void
}

export const statusKey = (channel: string, thread?: string) => `${channel} ${thread ?? ''}`

// useLatest loads whenever its key changes or reload is called; answers that were
// overtaken by a later question are dropped.
function useLatest<T>(key: string | undefined, load: () => Promise<T>, failed: (e: unknown) => void): [T | undefined, () => void] {
  const [held, setHeld] = useState<{ key: string; value: T }>()
  const asked = useRef(0)
  const run = useRef(load)
  run.current = load
  const fail = useRef(failed)
  fail.current = failed
  const reload = useCallback(() => {
    if (key === undefined) return
    const mine = ++asked.current
    run.current().then(
      (value) => mine === asked.current && setHeld({ key, value }),
      (error) => mine === asked.current && fail.current(error),
    )
  }, [key])
  useEffect(() => {
    reload()
    return () => void asked.current++
  }, [reload])
  return [held && held.key === key ? held.value : undefined, reload]
}

export function useSession(route: Route, go: Workspace['go']): Session {
  const { as, channel, thread } = route
  const [toasts, setToasts] = useState<Toast[]>([])
  const [trouble, setTrouble] = useState<string>()
  const [sockets, setSockets] = useState<number>()
  const [statuses, setStatuses] = useState<Record<string, string>>({})
  const counter = useRef(0)
  const notify = useCallback((text: string, level: Toast['level'] = 'error') => {
    setToasts((now) => [...now.slice(-3), { id: ++counter.current, text, level }])
  }, [])
  const dismiss = useCallback((id: number) => setToasts((now) => now.filter((t) => t.id !== id)), [])
  const complain = useCallback((error: unknown) => notify(error instanceof Refusal ? error.message : 'The simulator does not answer.'), [notify])
  const attempt = useCallback((step: Promise<unknown>) => step.then(() => true, (error) => (complain(error), false)), [complain])

  const [state, reloadState] = useLatest<State>(as ?? '', () => sim.state(as), (e) => setTrouble(e instanceof Error ? e.message : String(e)))
  const [messages, reloadMessages] = useLatest<Message[]>(as && channel && `${as} ${channel}`, () => sim.messages(as!, channel!), complain)
  const [replies, reloadReplies] = useLatest<Message[]>(as && channel && thread && `${as} ${channel} ${thread}`, () => sim.messages(as!, channel!, thread), complain)
  const [loadedView, reloadView] = useLatest<View | null>(as, () => sim.view(as!), complain)
  const [home, reloadHome] = useLatest<View | null>(as, () => sim.home(as!), complain)
  const [pushed, setPushed] = useState<{ as?: string; view: View | null }>()

  const all = useCallback(() => {
    reloadState()
    reloadMessages()
    reloadReplies()
  }, [reloadState, reloadMessages, reloadReplies])
  const live = useEvents(as, {
    hello: (data) => {
      setSockets(data.sockets)
      setTrouble(undefined)
      setPushed(undefined)
      all()
      reloadView()
      reloadHome()
    },
    message: (data) => {
      if (data.channel === channel) {
        reloadMessages()
        if (thread) reloadReplies()
      }
      reloadState()
    },
    view: (data) => setPushed({ as, view: data.view }),
    home: reloadHome,
    notice: (data) => notify(data.text, data.level === 'info' || data.level === 'warning' ? data.level : 'error'),
    status: (data) => setStatuses((now) => ({ ...now, [statusKey(data.channel, data.thread_ts)]: data.status })),
    state: all,
    connection: (data) => setSockets(data.sockets),
  })

  // What is on screen has been read.
  const open = state?.channels.find((c) => c.id === channel)
  const unread = (open?.unread ?? 0) + (open?.mentions ?? 0)
  useEffect(() => {
    const read = () => {
      if (as && channel && unread > 0 && document.visibilityState === 'visible') sim.read(as, channel).then(reloadState, () => {})
    }
    read()
    document.addEventListener('visibilitychange', read)
    return () => document.removeEventListener('visibilitychange', read)
  }, [as, channel, unread, reloadState])

  const workspace = useMemo<Workspace | undefined>(() => {
    if (!state || !as) return undefined
    return {
      as,
      me: state.me,
      state,
      users: new Map(state.users.map((u) => [u.id, u])),
      channels: new Map(state.channels.map((c) => [c.id, c])),
      zone: state.me?.tz,
      live,
      sockets: sockets ?? state.apps[0]?.sockets ?? 0,
      route,
      go,
      notify,
      attempt,
    }
  }, [state, as, live, sockets, route, go, notify, attempt])

  // Without an identity, or with an unknown one, the first person sits down.
  const people = state?.users.filter((u) => !u.is_bot && !u.deleted)
  const known = !!state?.me
  useEffect(() => {
    if (people && people.length > 0 && !known) go({ ...route, as: people[0]!.id }, true)
  }, [people, known, route, go])
  // An identity that the simulator refuses, though it answers, is given up.
  useEffect(() => {
    if (trouble && as)
      sim.state().then(
        () => {
          setTrouble(undefined)
          go({}, true)
        },
        () => {},
      )
  }, [trouble, as, go])

  const view = pushed && pushed.as === as ? pushed.view : (loadedView ?? null)
  return { workspace, trouble, messages, replies, view, home: home ?? null, statuses, toasts, dismiss }
}
