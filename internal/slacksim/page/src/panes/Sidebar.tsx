// The list of what this person can open, with what is unread.
import type { ReactNode } from 'react'
import type { Channel, SlackApp } from '../sim/api'
import { Avatar } from '../parts/Avatar'
import { Icon } from '../parts/Icon'
import { writeRoute } from '../sim/route'
import { useWorkspace } from '../sim/workspace'

export function Sidebar() {
  const { state, users } = useWorkspace()
  const rooms = state.channels.filter((c) => c.kind === 'channel')
  const bots = new Set(state.apps.map((a) => a.bot_user))
  const people = state.channels.filter((c) => c.kind === 'im' && !bots.has(c.user ?? ''))
  return (
    <nav className="sidebar" aria-label="Channels and messages" data-testid="sidebar">
      <Group title="Channels">
        {rooms.map((channel) => (
          <Entry key={channel.id} channel={channel} icon={<Icon name={channel.is_private ? 'lock' : 'hash'} size={16} />} name={channel.name} />
        ))}
      </Group>
      {people.length > 0 && (
        <Group title="Direct messages">
          {people.map((channel) => {
            const other = users.get(channel.user ?? '')
            return <Entry key={channel.id} channel={channel} icon={<Avatar user={other} size={20} />} name={other?.real_name || other?.name || channel.name} />
          })}
        </Group>
      )}
      <Group title="Apps">
        {state.apps.map((app) => (
          <AppEntry key={app.id} app={app} im={state.channels.find((c) => c.kind === 'im' && c.user === app.bot_user)} />
        ))}
      </Group>
    </nav>
  )
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h2>{title}</h2>
      <ul>{children}</ul>
    </section>
  )
}

interface EntryProps {
  channel: Channel
  icon: ReactNode
  name: string
}

function Entry({ channel, icon, name }: EntryProps) {
  const { as, route, go } = useWorkspace()
  const here = route.channel === channel.id
  const unread = here ? 0 : channel.unread
  const count = channel.kind === 'im' ? unread : here ? 0 : (channel.mentions ?? 0)
  const to = { as, channel: channel.id }
  return (
    <li>
      <a
        href={writeRoute(to)}
        className={`entry${unread > 0 ? ' unread' : ''}`}
        aria-current={here ? 'page' : undefined}
        data-testid={`channel-${channel.id}`}
        data-unread={unread}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey) return
          event.preventDefault()
          go(to)
        }}
      >
        {icon}
        <span className="entry-name">{name}</span>
        {channel.is_ext_shared && <Icon name="globe" size={14} />}
        {count > 0 && <span className="count">{count}</span>}
        {unread > 0 && <span className="sr-only">, {unread} unread</span>}
      </a>
    </li>
  )
}

function AppEntry({ app, im }: { app: SlackApp; im?: Channel }) {
  const { as, route, go, users } = useWorkspace()
  const to = app.home === false && im ? { as, channel: im.id } : { as, home: app.id }
  const here = route.home === app.id || (im && route.channel === im.id)
  const unread = here ? 0 : (im?.unread ?? 0)
  return (
    <li>
      <a
        href={writeRoute(to)}
        className={`entry${unread > 0 ? ' unread' : ''}`}
        aria-current={here ? 'page' : undefined}
        data-testid={`app-${app.id}`}
        data-unread={unread}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey) return
          event.preventDefault()
          go(unread > 0 && im ? { as, channel: im.id } : to)
        }}
      >
        <Avatar user={users.get(app.bot_user)} size={20} />
        <span className="entry-name">{app.name}</span>
        {unread > 0 && <span className="count">{unread}</span>}
        {unread > 0 && <span className="sr-only"> unread</span>}
      </a>
    </li>
  )
}
