// A run of messages that stays at its end while new ones come, as long as the
// reader is there.
import { Fragment, useEffect, useLayoutEffect, useRef, type ReactNode } from 'react'
import type { Message as Msg } from '../sim/api'
import { useWorkspace } from '../sim/workspace'
import { day, dayKey, fromTS } from '../text/dates'
import { Message } from './Message'

const TOGETHER = 300 // s in which one author's messages share a head
const NEAR = 120 // px from the end that count as "at the end"

interface Props {
  messages: Msg[]
  channel: string
  label: string
  inThread?: boolean
  before?: ReactNode
  status?: string
}

export function Stream({ messages, channel, label, inThread, before, status }: Props) {
  const { zone, route, state } = useWorkspace()
  const box = useRef<HTMLDivElement>(null)
  const inner = useRef<HTMLDivElement>(null)
  const atEnd = useRef(true)
  const lastTop = useRef(0)
  const pointed = useRef<string>(undefined)
  // Late pictures and folded parts change the height too, hence the observer.
  useLayoutEffect(() => {
    const pane = box.current!
    const follow = () => {
      if (atEnd.current) pane.scrollTop = pane.scrollHeight
    }
    const sizes = new ResizeObserver(follow)
    sizes.observe(inner.current!)
    sizes.observe(pane)
    follow()
    return () => sizes.disconnect()
  }, [])
  useEffect(() => {
    if (!route.ts || pointed.current === route.ts) return
    const found = box.current?.querySelector(`[data-testid="message-${CSS.escape(route.ts)}"]`)
    if (!found) return
    pointed.current = route.ts
    atEnd.current = false
    found.scrollIntoView({ block: 'center' })
  }, [route.ts, messages])
  return (
    <div
      ref={box}
      className="stream"
      tabIndex={0}
      role="log"
      aria-label={label}
      onScroll={(event) => {
        // Only a reader scrolls up; a picture that loads makes the pane longer.
        const it = event.currentTarget
        if (it.scrollHeight - it.scrollTop - it.clientHeight < NEAR) atEnd.current = true
        else if (it.scrollTop < lastTop.current) atEnd.current = false
        lastTop.current = it.scrollTop
      }}
    >
      <div ref={inner} className="stream-inner">
        {before}
        {messages.map((message, i) => {
          const previous = messages[i - 1]
          const date = fromTS(message.ts)
          const newDay = !previous || dayKey(date, zone) !== dayKey(fromTS(previous.ts), zone)
          return (
            <Fragment key={message.ts}>
              {newDay && !inThread && (
                <div className="day">
                  <span>{day(date, zone)}</span>
                </div>
              )}
              <Message message={message} channel={channel} inThread={inThread} compact={!newDay && together(previous, message)} pointed={route.ts === message.ts} />
              {inThread && i === 0 && messages.length > 1 && (
                <div className="day left">
                  <span>{messages.length === 2 ? '1 reply' : `${messages.length - 1} replies`}</span>
                </div>
              )}
            </Fragment>
          )
        })}
        <p className="status" role="status" data-testid="status">
          {status && `${state.apps[0]?.name ?? 'The app'} ${status}`}
        </p>
      </div>
    </div>
  )
}

function together(a: Msg | undefined, b: Msg): boolean {
  if (!a || a.user !== b.user || a.bot_id !== b.bot_id || a.username !== b.username) return false
  if (a.ephemeral !== b.ephemeral || (a.reply_count ?? 0) > 0 || b.subtype || b.bot_id) return false
  return Number(b.ts) - Number(a.ts) < TOGETHER
}
