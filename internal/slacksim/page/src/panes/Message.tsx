// One message: who, when, what, and what can be done with it.
import { useState } from 'react'
import { sim, type Attachment, type Message as Msg, type User } from '../sim/api'
import { Blocks } from '../blocks/Blocks'
import { SurfaceProvider } from '../blocks/surface'
import type { Edits } from '../blocks/values'
import { Avatar } from '../parts/Avatar'
import { Icon } from '../parts/Icon'
import { Menu, type Item } from '../parts/Menu'
import { useWorkspace } from '../sim/workspace'
import { ago, clock, fromTS, full } from '../text/dates'
import { emoji } from '../text/emoji'
import { Folded, Link, Mrkdwn } from '../text/Text'
import { FileCard } from './Files'

interface Props {
  message: Msg
  channel: string
  compact?: boolean // directly after one of the same author
  inThread?: boolean
  pointed?: boolean // a permalink led here
}

export function Message({ message, channel, compact, inThread, pointed }: Props) {
  const { users, zone } = useWorkspace()
  const author = users.get(message.user ?? '') ?? [...users.values()].find((u) => u.is_bot && message.bot_id)
  const name = message.username || author?.real_name || author?.name || 'Someone'
  const at = fromTS(message.ts)
  const time = (
    <time dateTime={at.toISOString()} title={full(at, zone)}>
      {clock(at, zone)}
    </time>
  )
  return (
    <article
      className={`message${compact ? ' compact' : ''}${message.ephemeral ? ' ephemeral' : ''}${pointed ? ' pointed' : ''}`}
      data-testid={`message-${message.ts}`}
      data-author={name}
      data-ephemeral={message.ephemeral || undefined}
      aria-label={`${name}, ${full(at, zone)}`}
    >
      <div className="message-side">{compact ? <span className="message-time">{time}</span> : <Avatar user={author} />}</div>
      <div className="message-main">
        {message.ephemeral && (
          <div className="only-you" data-testid="ephemeral">
            <Icon name="eye" size={13} /> Only visible to you
          </div>
        )}
        {!compact && <Byline name={name} author={author} bot={!!message.bot_id} time={time} />}
        <Content message={message} channel={channel} />
        <Reactions of={message} />
        {!inThread && (message.reply_count ?? 0) > 0 && <ThreadSummary message={message} channel={channel} />}
      </div>
      <Tools message={message} channel={channel} inThread={inThread} />
    </article>
  )
}

function Byline({ name, author, bot, time }: { name: string; author?: User; bot: boolean; time: React.ReactNode }) {
  return (
    <div className="byline">
      <span className="author">{name}</span>
      {(bot || author?.is_bot) && <span className="badge">APP</span>}
      {author?.is_restricted && <span className="badge">GUEST</span>}
      <span className="message-time">{time}</span>
    </div>
  )
}

function Content({ message, channel }: { message: Msg; channel: string }) {
  const [edits, setEdits] = useState<Edits>({})
  const { users } = useWorkspace()
  const blocks = message.blocks ?? []
  const attached = message.attachments ?? []
  const every = [...blocks, ...attached.flatMap((a) => a.blocks ?? [])]
  if (/^channel_(join|leave)$/.test(message.subtype ?? '')) return <p className="quiet">{message.text || `${users.get(message.user ?? '')?.real_name} joined.`}</p>
  return (
    <SurfaceProvider
      source={{ message_ts: message.ts }}
      channel={channel}
      blocks={every}
      edits={edits}
      onEdit={(place, value) => setEdits((now) => ({ ...now, [place]: value }))}
    >
      {blocks.length > 0 ? <Blocks blocks={blocks} /> : message.text && <Mrkdwn text={message.text} />}
      {message.edited && <span className="edited" title={`Edited ${ago(fromTS(message.edited.ts))}`}> (edited)</span>}
      {attached.map((attachment, i) => (
        <AttachmentView key={i} attachment={attachment} />
      ))}
      {(message.files ?? []).length > 0 && (
        <div className="files">
          {message.files.map((file) => (
            <FileCard key={file.id} file={file} />
          ))}
        </div>
      )}
    </SurfaceProvider>
  )
}

function Reactions({ of }: { of: Msg }) {
  const { users } = useWorkspace()
  if (!of.reactions?.length) return null
  return (
    <div className="reactions" data-testid="reactions">
      {of.reactions.map((r) => (
        <span key={r.name} className="reaction" title={`${r.users.map((id) => users.get(id)?.real_name ?? id).join(', ')}: ${r.name.replace(/_/g, ' ')}`} data-reaction={r.name}>
          <span role="img" aria-label={r.name.replace(/_/g, ' ')}>
            {emoji(r.name) ?? `:${r.name}:`}
          </span>{' '}
          {r.count}
        </span>
      ))}
    </div>
  )
}

const BARS: Record<string, string> = { good: '#2a8a5f', warning: '#c78500', danger: '#b3261e' }

// Slack folds attachments of 700 characters or five line breaks.
const folds = (text: string) => text.length >= 700 || text.split('\n').length > 5

function AttachmentView({ attachment }: { attachment: Attachment }) {
  const color = attachment.color ?? ''
  const bar = BARS[color] ?? (/^#?[0-9a-f]{6}$/i.test(color) ? (color.startsWith('#') ? color : `#${color}`) : undefined)
  const plainTable = attachment.blocks?.every((b) => b.type === 'table' || b.type === 'data_table')
  return (
    <div className={`attachment${plainTable && !bar ? ' bare' : ''}`} style={bar ? { borderLeftColor: bar } : undefined}>
      {attachment.pretext && <Mrkdwn text={attachment.pretext} />}
      {attachment.title && <strong>{attachment.title_link ? <Link url={attachment.title_link}>{attachment.title}</Link> : attachment.title}</strong>}
      {attachment.text && (
        <Folded when={folds(attachment.text)}>
          <Mrkdwn text={attachment.text} />
        </Folded>
      )}
      {attachment.fields?.map((field, i) => (
        <div key={i} className="field-pair">
          <strong>{field.title}</strong>
          <Mrkdwn text={field.value} />
        </div>
      ))}
      {attachment.blocks && <Blocks blocks={attachment.blocks} />}
      {!attachment.text && !attachment.blocks && !attachment.title && attachment.fallback}
      {attachment.footer && <span className="quiet">{attachment.footer}</span>}
    </div>
  )
}

function ThreadSummary({ message, channel }: { message: Msg; channel: string }) {
  const { users, go, route, as } = useWorkspace()
  const count = message.reply_count ?? 0
  return (
    <button type="button" className="thread-summary" data-testid={`replies-${message.ts}`} onClick={() => go({ as, channel, thread: message.ts, ts: route.ts })}>
      {(message.reply_users ?? []).slice(0, 4).map((id) => (
        <Avatar key={id} user={users.get(id)} size={22} />
      ))}
      <span className="thread-count">{count === 1 ? '1 reply' : `${count} replies`}</span>
      {message.latest_reply && <span className="quiet">Last reply {ago(fromTS(message.latest_reply))}</span>}
    </button>
  )
}

function Tools({ message, channel, inThread }: { message: Msg; channel: string; inThread?: boolean }) {
  const { as, go, state, attempt, notify } = useWorkspace()
  const items: Item[] = []
  if (!message.ephemeral) {
    for (const app of state.apps) {
      for (const shortcut of app.shortcuts ?? []) {
        if (shortcut.type !== 'message') continue
        items.push({
          key: shortcut.callback_id,
          label: shortcut.name,
          detail: app.name,
          icon: <Icon name="bolt" size={16} />,
          testid: `shortcut-${shortcut.callback_id}`,
          run: () => void attempt(sim.shortcut(as, shortcut.callback_id, channel, message.ts)),
        })
      }
    }
    const root = message.thread_ts && message.thread_ts !== message.ts ? `?thread_ts=${message.thread_ts}` : ''
    const link = `${location.origin}/archives/${channel}/p${message.ts.replace('.', '')}${root}`
    const copied = () => notify('Link copied.', 'info')
    items.push({ key: 'link', label: 'Copy link', icon: <Icon name="window" size={16} />, run: () => navigator.clipboard.writeText(link).then(copied, () => notify(link, 'info')) })
  }
  if (message.ephemeral || (message.user === as && !message.bot_id)) {
    items.push({ key: 'delete', label: message.ephemeral ? 'Dismiss message' : 'Delete message', danger: true, icon: <Icon name="close" size={16} />, run: () => void attempt(sim.deleteMessage(as, channel, message.ts)) })
  }
  return (
    <div className="tools">
      {!inThread && !message.ephemeral && (
        <button type="button" className="icon-button" aria-label="Reply in thread" title="Reply in thread" data-testid={`reply-${message.ts}`} onClick={() => go({ as, channel, thread: message.thread_ts ?? message.ts })}>
          <Icon name="reply" size={16} />
        </button>
      )}
      {items.length > 0 && <Menu label="More actions for this message" className="icon-button" testid={`more-${message.ts}`} align="end" button={<Icon name="more" size={16} />} items={items} />}
    </div>
  )
}
