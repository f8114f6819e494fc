// The bar that never leaves: what this is, who one is, whether the app is there.
import type { ReactNode } from 'react'
import { sim, type Role, type State, type User } from '../sim/api'
import { Avatar } from '../parts/Avatar'
import { Icon } from '../parts/Icon'
import { Menu } from '../parts/Menu'
import { writeRoute, type Route } from '../sim/route'
import { useWorkspace } from '../sim/workspace'

const ROLES: Record<Role, string> = { analyst: 'Analyst', reviewer: 'Reviewer', admin: 'Admin', guest: 'Guest', bot: 'App' }

const about = (user: User) => [ROLES[user.role] ?? user.role, user.title].filter(Boolean).join(', ')

export const LABEL = 'Simulator: a local stand-in for Slack; nothing leaves this machine'

export function TopBar({ children }: { children?: ReactNode }) {
  const { state, live, sockets } = useWorkspace()
  const connected = sockets > 0
  return (
    <header className="top">
      <span className="team" data-testid="team">
        <span className="team-mark" aria-hidden="true">{state.team.name.slice(0, 1)}</span>
        {state.team.name}
      </span>
      <strong className="label" data-testid="simulator-label">
        {LABEL}
      </strong>
      <span className="top-right">
        <span className={`link-state ${live && connected ? 'up' : 'down'}`} role="status" data-testid="connection" data-sockets={sockets}>
          <span className="dot" aria-hidden="true" />
          {!live ? 'Reconnecting…' : connected ? `App connected (${sockets} ${sockets === 1 ? 'socket' : 'sockets'})` : 'App not connected'}
        </span>
        {children}
        <Identity />
      </span>
    </header>
  )
}

// elsewhere is where another person lands: in the same conversation if they have
// it, else in their own one with the app, else in their first.
async function elsewhere(as: string, route: Route, now: State): Promise<Route> {
  if (route.home) return { as, home: route.home }
  const { channels } = await sim.state(as)
  const other = now.channels.find((c) => c.id === route.channel)?.user
  const same = channels.find((c) => c.id === route.channel) ?? channels.find((c) => other && c.user === other)
  return { as, channel: (same ?? channels[0])?.id }
}

function Identity() {
  const { state, me, as, route, go, attempt } = useWorkspace()
  const people = state.users.filter((u) => !u.is_bot && !u.deleted)
  return (
    <>
      <Menu
        label="Be somebody else"
        spoken
        className="identity"
        testid="identity"
        align="end"
        button={
          <>
            <Avatar user={me} size={28} />
            <span className="identity-text">
              <span>{me?.real_name}</span>
              <span className="identity-role">{me ? ROLES[me.role] : ''}</span>
            </span>
            <span className="sr-only">: be somebody else</span>
            <Icon name="down" size={14} />
          </>
        }
        title={<p className="menu-title">Who are you? Each browser tab keeps its own person; Ctrl-click opens a second one.</p>}
        items={people.map((user) => {
          const to = { ...route, as: user.id, thread: undefined, ts: undefined }
          return {
            key: user.id,
            text: user.real_name,
            label: user.real_name || user.name,
            detail: about(user),
            icon: <Avatar user={user} size={32} />,
            checked: user.id === as,
            href: writeRoute(to),
            testid: `identity-${user.id}`,
            run: () => void attempt(elsewhere(user.id, route, state).then(go)),
          }
        })}
      />
      <a className="icon-button on-dark" href={writeRoute(route)} target="_blank" rel="noopener" aria-label="Open this place in a second tab" title="Open this place in a second tab">
        <Icon name="window" size={16} />
      </a>
    </>
  )
}
