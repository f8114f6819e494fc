// The page as a whole: where the reader is decides what is drawn.
import { useEffect, useRef, useState } from 'react'
import { Icon } from './parts/Icon'
import { Toasts } from './parts/Toasts'
import { Channel, Thread } from './panes/Channel'
import { Home } from './panes/Home'
import { Inspector } from './panes/Inspector'
import { Modals } from './panes/Modal'
import { Sidebar } from './panes/Sidebar'
import { LABEL, TopBar } from './panes/TopBar'
import { useRoute } from './sim/route'
import { useSession, WorkspaceProvider } from './sim/workspace'

export function App() {
  const [route, go] = useRoute()
  const session = useSession(route, go)
  const [inspecting, setInspecting] = useState(false)
  const { workspace } = session
  const { channel, thread, home } = route
  const rooms = workspace?.state.channels

  // Nowhere yet: open the conversation in which something happened last, with its thread
  // beside it. Where nothing has happened anywhere, the reader is taken along when it does,
  // unless they have gone somewhere themselves.
  const idle = useRef<string>(undefined)
  useEffect(() => {
    if (!rooms?.length || !workspace?.me || home || thread) return
    if (channel && channel !== idle.current) return
    const last = rooms.reduce((a, b) => ((b.latest ?? '') > (a.latest ?? '') ? b : a))
    if (!last.latest) {
      idle.current ??= rooms[0]!.id
      if (!channel) go({ ...route, channel: idle.current }, true)
    } else if (!channel || last.thread) {
      idle.current = undefined
      go({ ...route, channel: last.id, thread: last.thread }, true)
    }
  }, [rooms, workspace, channel, thread, home, route, go])
  useEffect(() => {
    const team = workspace?.state.team.name
    const room = channel ? workspace?.channels.get(channel)?.name : undefined
    document.title = [room, workspace?.me?.real_name, team, 'Slack simulator'].filter(Boolean).join(' | ')
  }, [workspace, channel])
  useEffect(() => {
    const escape = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return
      if (inspecting && document.activeElement?.closest('.inspector')) setInspecting(false)
      else if (thread && workspace) go({ as: workspace.as, channel })
    }
    addEventListener('keydown', escape)
    return () => removeEventListener('keydown', escape)
  }, [thread, channel, workspace, inspecting, go])

  if (!workspace) {
    return (
      <main className="starting">
        <p className="label">{LABEL}</p>
        <p role="status">{session.trouble ?? 'Opening the workspace…'}</p>
      </main>
    )
  }
  const app = workspace.state.apps.find((a) => a.id === home) ?? (home ? workspace.state.apps[0] : undefined)
  return (
    <WorkspaceProvider value={workspace}>
      <div className={`page${thread && !app ? ' with-thread' : ''}`}>
        <TopBar>
          <button type="button" className="icon-button on-dark" aria-pressed={inspecting} aria-label="Inspector" title="Inspector: what goes over the wire" data-testid="inspector-toggle" onClick={() => setInspecting(!inspecting)}>
            <Icon name="pulse" size={18} />
          </button>
        </TopBar>
        <Sidebar />
        <main className="main">
          <div className="panes">
            {app ? <Home key={workspace.as} app={app} view={session.home} /> : channel && <Channel id={channel} messages={session.messages} statuses={session.statuses} />}
            {!app && channel && thread && <Thread channel={channel} thread={thread} replies={session.replies} statuses={session.statuses} />}
          </div>
          {inspecting && <Inspector close={() => setInspecting(false)} />}
        </main>
        <Modals key={workspace.as} view={session.view} />
        <Toasts toasts={session.toasts} dismiss={session.dismiss} />
      </div>
    </WorkspaceProvider>
  )
}
