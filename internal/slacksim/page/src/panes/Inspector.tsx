// What went over the wire: Web API calls, envelopes and their acknowledgements,
// and switches that make this Slack misbehave as the real one can.
import { useEffect, useRef, useState } from 'react'
import { sim, type LogEntry } from '../sim/api'
import { Icon } from '../parts/Icon'
import { useWorkspace } from '../sim/workspace'
import { Code } from '../blocks/Code'

const EVERY = 1200 // ms between two looks at the log
const KEPT = 400

const FAULTS: { label: string; body: object }[] = [
  { label: 'Drop the next ack', body: { drop_acks: 1 } },
  { label: 'Deliver the next envelope twice', body: { duplicate: 1 } },
  { label: 'Refresh the sockets', body: { disconnect: 'refresh_requested' } },
  { label: 'Rate-limit the next post', body: { method: { name: 'chat.postMessage', status: 429, retry_after: 2, times: 1 } } },
  { label: 'Clear all', body: { clear: true } },
]

export function Inspector({ close }: { close(): void }) {
  const { attempt, notify } = useWorkspace()
  const [entries, setEntries] = useState<LogEntry[]>([])
  const [chosen, setChosen] = useState<number>()
  const after = useRef(0)
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    let stopped = false
    let timer: ReturnType<typeof setTimeout>
    const look = async () => {
      try {
        const answer = await sim.log(after.current)
        if (stopped) return
        after.current = answer.next ?? answer.entries.at(-1)?.n ?? after.current
        if (answer.entries.length > 0) setEntries((now) => [...now, ...answer.entries].slice(-KEPT))
      } catch {
        // The top bar already says that the connection is lost.
      }
      if (!stopped) timer = setTimeout(look, EVERY)
    }
    void look()
    return () => {
      stopped = true
      clearTimeout(timer)
    }
  }, [])
  const last = entries.at(-1)?.n
  useEffect(() => {
    const it = list.current
    if (it && it.scrollHeight - it.scrollTop - it.clientHeight < 200) it.scrollTop = it.scrollHeight
  }, [last])
  const fault = (label: string, body: object) => void attempt(sim.faults(body).then(() => notify(`${label}: set.`, 'info')))
  return (
    <section className="inspector" aria-label="Inspector" data-testid="inspector">
      <header>
        <h2>Inspector</h2>
        <span className="quiet">What the app and this Slack say to each other.</span>
        <span className="faults" role="group" aria-label="Faults">
          {FAULTS.map((f) => (
            <button key={f.label} type="button" className="button small" onClick={() => fault(f.label, f.body)}>
              {f.label}
            </button>
          ))}
        </span>
        <button type="button" className="icon-button" aria-label="Close inspector" onClick={close}>
          <Icon name="close" size={16} />
        </button>
      </header>
      <div ref={list} className="log" tabIndex={0} role="region" aria-label="Calls">
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Kind</th>
              <th scope="col">Name</th>
              <th scope="col">Outcome</th>
              <th scope="col" className="right">ms</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <Row key={entry.n} entry={entry} open={chosen === entry.n} toggle={() => setChosen(chosen === entry.n ? undefined : entry.n)} />
            ))}
          </tbody>
        </table>
        {entries.length === 0 && <p className="quiet pad">Nothing yet.</p>}
      </div>
    </section>
  )
}

function Row({ entry, open, toggle }: { entry: LogEntry; open: boolean; toggle(): void }) {
  const at = new Date(entry.at)
  return (
    <>
      <tr className={entry.ok ? undefined : 'bad'} data-testid={`log-${entry.n}`}>
        <td>{Number.isNaN(at.getTime()) ? entry.at : at.toLocaleTimeString('en-GB', { hour12: false })}</td>
        <td>
          <span className={`kind ${entry.direction}`}>{entry.direction}</span>
        </td>
        <td>
          {entry.detail ? (
            <button type="button" className="link-button" aria-expanded={open} onClick={toggle}>
              {entry.name}
            </button>
          ) : (
            entry.name
          )}
        </td>
        <td>{entry.ok ? 'ok' : entry.error || 'failed'}</td>
        <td className="right">{entry.ms.toFixed(1)}</td>
      </tr>
      {open && entry.detail && (
        <tr>
          <td colSpan={5}>
            <Code text={pretty(entry.detail)} language="json" />
          </td>
        </tr>
      )}
    </>
  )
}

function pretty(detail: string): string {
  try {
    return JSON.stringify(JSON.parse(detail), null, 2)
  } catch {
    return detail // cut
  }
}
