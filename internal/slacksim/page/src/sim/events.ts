// The stream of what changed. EventSource reconnects by itself after a lost
// connection, but gives up after a refusal, so that case is retried here.
import { useEffect, useRef, useState } from 'react'
import type { View } from './api'

export interface Happenings {
  hello(data: { sockets: number }): void
  message(data: { channel: string; ts: string; thread_ts?: string; change: string }): void
  view(data: { view: View | null }): void
  home(): void
  notice(data: { text: string; level?: string }): void
  status(data: { channel: string; thread_ts?: string; status: string }): void
  state(): void
  connection(data: { sockets: number }): void
}

const NAMES: (keyof Happenings)[] = ['hello', 'message', 'view', 'home', 'notice', 'status', 'state', 'connection']
const AGAIN = 1500 // ms until a refused stream is asked for again

// useEvents returns whether the stream is up.
export function useEvents(as: string | undefined, on: Happenings): boolean {
  const [live, setLive] = useState(false)
  const current = useRef(on)
  current.current = on
  useEffect(() => {
    if (!as) return
    let source: EventSource | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    const open = () => {
      source = new EventSource(`/sim/events?as=${encodeURIComponent(as)}`)
      source.onopen = () => setLive(true)
      source.onerror = () => {
        setLive(false)
        if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN)
      }
      for (const name of NAMES) {
        source.addEventListener(name, (event) => {
          const data = JSON.parse((event as MessageEvent<string>).data || '{}')
          ;(current.current[name] as (data: unknown) => void)(data)
        })
      }
    }
    open()
    return () => {
      clearTimeout(timer)
      source?.close()
      setLive(false)
    }
  }, [as])
  return live
}
