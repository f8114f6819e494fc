// An app's own page. Opening it tells the app (app_home_opened).
import { useEffect, useRef, useState } from 'react'
import { sim, type SlackApp, type View } from '../sim/api'
import { Blocks } from '../blocks/Blocks'
import { SurfaceProvider } from '../blocks/surface'
import type { Edits } from '../blocks/values'
import { Avatar } from '../parts/Avatar'
import { Icon } from '../parts/Icon'
import { useWorkspace } from '../sim/workspace'

export function AppTabs({ app, on }: { app: SlackApp; on: 'home' | 'messages' }) {
  const { as, go, state } = useWorkspace()
  const im = state.channels.find((c) => c.kind === 'im' && c.user === app.bot_user)
  return (
    <nav className="tabs" aria-label={app.name}>
      <a href={`/?as=${as}&home=${app.id}`} aria-current={on === 'home' ? 'page' : undefined} data-testid="tab-home" onClick={(event) => (event.preventDefault(), go({ as, home: app.id }))}>
        Home
      </a>
      {im && (
        <a href={`/?as=${as}&channel=${im.id}`} aria-current={on === 'messages' ? 'page' : undefined} data-testid="tab-messages" onClick={(event) => (event.preventDefault(), go({ as, channel: im.id }))}>
          Messages
        </a>
      )}
    </nav>
  )
}

export function Home({ app, view }: { app: SlackApp; view: View | null }) {
  const { as, users, attempt } = useWorkspace()
  const [edits, setEdits] = useState<Edits>({})
  const opened = useRef('')
  useEffect(() => {
    const key = `${as} ${app.id}`
    if (opened.current === key) return
    opened.current = key
    void attempt(sim.openHome(as))
  }, [as, app.id, attempt])
  return (
    <section className="pane home" aria-label={`${app.name} Home`} data-testid="home">
      <header className="pane-head">
        <h1>
          <Avatar user={users.get(app.bot_user)} size={26} />
          <span>{app.name}</span>
          <span className="badge">APP</span>
        </h1>
        <span className="topic" />
        <button type="button" className="button small" data-testid="home-refresh" onClick={() => void attempt(sim.openHome(as))}>
          <Icon name="refresh" size={14} /> Open again
        </button>
      </header>
      <AppTabs app={app} on="home" />
      <div className="stream" tabIndex={0} role="region" aria-label="Home">
        <div className="home-inner">
          {view ? (
            <SurfaceProvider source={{ view_id: view.id }} blocks={view.blocks} edits={edits} onEdit={(place, value) => setEdits((now) => ({ ...now, [place]: value }))}>
              <Blocks blocks={view.blocks} />
            </SurfaceProvider>
          ) : (
            <div className="empty">
              <h2>{app.name} has published nothing here yet.</h2>
              <p>Apps fill their Home when somebody opens it. {app.connected ? 'The app is connected.' : 'The app is not connected.'}</p>
            </div>
          )}
        </div>
      </div>
    </section>
  )
}
