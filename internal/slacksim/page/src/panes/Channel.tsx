// A conversation and, beside it, its open thread.
import { useEffect } from 'react'
import { sim, type Message as Msg } from '../sim/api'
import { Avatar } from '../parts/Avatar'
import { Icon } from '../parts/Icon'
import { statusKey, useWorkspace } from '../sim/workspace'
import { Composer } from './Composer'
import { AppTabs } from './Home'
import { Prompts } from './Prompts'
import { Stream } from './Stream'

const LOOKED = 'slacksim.channel' // what a person looked at before they began a chat

export function channelName(w: ReturnType<typeof useWorkspace>, id: string): string {
  const channel = w.channels.get(id)
  if (!channel) return 'unknown conversation'
  if (channel.kind === 'channel') return channel.name
  const other = w.users.get(channel.user ?? '')
  return other?.real_name || other?.name || channel.name
}

export function Channel({ id, messages, statuses }: { id: string; messages?: Msg[]; statuses: Record<string, string> }) {
  const w = useWorkspace()
  const channel = w.channels.get(id)
  const name = channelName(w, id)
  const kind = channel?.kind
  useEffect(() => {
    if (kind === 'channel') sessionStorage.setItem(LOOKED, id)
  }, [kind, id])
  if (!channel) {
    return (
      <section className="pane" aria-label="No such conversation">
        <div className="empty">
          <h1>This conversation is not open to {w.me?.real_name ?? 'this person'}.</h1>
          <p>Choose another one at the left, or be somebody else at the top.</p>
        </div>
      </section>
    )
  }
  const im = channel.kind === 'im'
  const other = w.users.get(channel.user ?? '')
  const app = w.state.apps.find((a) => a.bot_user === channel.user)
  const begin = async () => {
    const seen = sessionStorage.getItem(LOOKED) ?? undefined
    const chat = await sim.chat(w.as, seen && w.channels.has(seen) ? seen : undefined)
    w.go({ as: w.as, channel: chat.channel, thread: chat.ts })
  }
  return (
    <section className="pane channel" aria-label={im ? `Direct messages with ${name}` : `Channel ${name}`} data-testid="channel">
      <header className="pane-head">
        <h1>
          {im ? <Avatar user={other} size={26} /> : <Icon name={channel.is_private ? 'lock' : 'hash'} />}
          <span>{name}</span>
          {channel.is_ext_shared && <span className="badge warn">SHARED WITH ANOTHER COMPANY</span>}
        </h1>
        {app?.assistant && (
          <button type="button" className="button small" data-testid="new-chat" onClick={() => void w.attempt(begin())}>
            New chat
          </button>
        )}
        {!im && <span className="topic">{channel.topic}</span>}
        {!im && (
          <span className="members" title={channel.members.map((m) => w.users.get(m)?.real_name ?? m).join(', ')}>
            {channel.members.slice(0, 4).map((m) => (
              <Avatar key={m} user={w.users.get(m)} size={22} />
            ))}
            <span>{channel.members.length} members</span>
          </span>
        )}
      </header>
      {app && <AppTabs app={app} on="messages" />}
      <Stream
        key={`${w.as} ${id}`}
        messages={messages ?? []}
        channel={id}
        label={`Messages in ${name}`}
        status={statuses[statusKey(id)]}
        before={messages && <Beginning name={name} im={im} isPrivate={channel.is_private} />}
      />
      <Composer key={`${w.as} ${id} root`} channel={id} placeholder={im ? `Message ${name}` : `Message #${name}`} />
    </section>
  )
}

function Beginning({ name, im, isPrivate }: { name: string; im: boolean; isPrivate: boolean }) {
  return (
    <div className="beginning">
      <h2>
        {!im && <Icon name={isPrivate ? 'lock' : 'hash'} size={24} />}
        {name}
      </h2>
      <p>{im ? `This is where your conversation with ${name} begins.` : `This is where ${isPrivate ? 'the private channel' : 'the channel'} ${name} begins. Type / to see what the apps can do.`}</p>
    </div>
  )
}

export function Thread({ channel, thread, replies, statuses }: { channel: string; thread: string; replies?: Msg[]; statuses: Record<string, string> }) {
  const w = useWorkspace()
  const close = () => w.go({ as: w.as, channel })
  const root = replies?.find((m) => m.ts === thread)
  const chat = root?.assistant_app_thread
  const said = replies?.some((m) => m.user === w.as)
  return (
    <aside className="pane thread" aria-label="Thread" data-testid="thread">
      <header className="pane-head">
        <h1 data-testid="thread-title">{chat?.title ?? 'Thread'}</h1>
        <span className="topic">{channelName(w, channel)}</span>
        <button type="button" className="icon-button" aria-label="Close thread" title="Close thread (Esc)" data-testid="close-thread" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <Stream key={`${w.as} ${channel} ${thread}`} messages={replies ?? []} channel={channel} label="Replies" inThread status={statuses[statusKey(channel, thread)]} />
      {chat && !said && <Prompts chat={chat} say={(text) => void w.attempt(sim.post(w.as, channel, text, [], thread))} />}
      <Composer key={`${w.as} ${channel} ${thread} reply`} channel={channel} thread={thread} placeholder="Reply…" />
    </aside>
  )
}
