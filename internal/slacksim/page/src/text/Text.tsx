// Text objects and their pieces: mrkdwn trees, plain text with emoji, mentions.
import { Fragment, useState, type MouseEvent, type ReactNode } from 'react'
import type { TextObject } from '../sim/api'
import { permalink } from '../sim/route'
import { useWorkspace } from '../sim/workspace'
import { full, slackDate } from './dates'
import { emoji } from './emoji'
import { parse, type Node } from './mrkdwn'

export function Text({ of, className }: { of?: TextObject | null; className?: string }) {
  if (!of) return null
  return of.type === 'mrkdwn' ? <Mrkdwn text={of.text} verbatim={of.verbatim} className={className} /> : <PlainText text={of.text} emojis={of.emoji !== false} className={className} />
}

export function Mrkdwn({ text, verbatim, className }: { text: string; verbatim?: boolean; className?: string }) {
  return <span className={`text ${className ?? ''}`}>{parse(text, { verbatim }).map(draw)}</span>
}

export function PlainText({ text, emojis = true, className }: { text: string; emojis?: boolean; className?: string }) {
  const shown = emojis ? text.replace(/:([a-z0-9_+'-]+):/g, (whole, name: string) => emoji(name) ?? whole) : text
  return <span className={`text ${className ?? ''}`}>{shown}</span>
}

function draw(node: Node, key: number): ReactNode {
  switch (node.kind) {
    case 'text':
      return <Fragment key={key}>{node.text}</Fragment>
    case 'bold':
      return <strong key={key}>{node.children.map(draw)}</strong>
    case 'italic':
      return <em key={key}>{node.children.map(draw)}</em>
    case 'strike':
      return <s key={key}>{node.children.map(draw)}</s>
    case 'quote':
      return <blockquote key={key}>{node.children.map(draw)}</blockquote>
    case 'code':
      return <code key={key}>{node.text}</code>
    case 'pre':
      return <pre key={key} className="pre" tabIndex={0}>{node.text}</pre>
    case 'link':
      return <Link key={key} url={node.url}>{node.label}</Link>
    case 'user':
      return <UserMention key={key} id={node.id} label={node.label} />
    case 'channel':
      return <ChannelMention key={key} id={node.id} label={node.label} />
    case 'group':
      return <span key={key} className="mention">{node.label?.replace(/^@?/, '@') || '@group'}</span>
    case 'broadcast':
      return <span key={key} className="mention loud">@{node.range}</span>
    case 'date':
      return <SlackDate key={key} timestamp={node.timestamp} format={node.format} link={node.link} />
    case 'emoji':
      return <Emoji key={key} name={node.name} glyph={node.glyph} />
  }
}

export function Emoji({ name, glyph }: { name: string; glyph: string }) {
  return (
    <span className="emoji" role="img" aria-label={name.replace(/_/g, ' ')} title={`:${name}:`}>
      {glyph}
    </span>
  )
}

// Link opens messages of this workspace here, as the same person, and everything
// else in a new tab. Schemes that could run code become plain text.
export function Link({ url, children, className }: { url: string; children: ReactNode; className?: string }) {
  const { go, route } = useWorkspace()
  if (!/^(https?:\/\/|mailto:|tel:|\/)/i.test(url)) return <span className={className}>{children}</span>
  const inside = permalink(url, location.origin)
  const click = (event: MouseEvent) => {
    if (!inside || event.metaKey || event.ctrlKey) return
    event.preventDefault()
    go({ as: route.as, ...inside })
  }
  return (
    <a href={url} className={className} target={inside ? undefined : '_blank'} rel="noreferrer noopener" onClick={click}>
      {children}
    </a>
  )
}

export function UserMention({ id, label }: { id: string; label?: string }) {
  const { users, as } = useWorkspace()
  const user = users.get(id)
  return (
    <span className={`mention${id === as ? ' me' : ''}`} data-user={id}>
      @{user?.real_name || user?.name || label || id}
    </span>
  )
}

export function ChannelMention({ id, label }: { id: string; label?: string }) {
  const { channels, go, as } = useWorkspace()
  const channel = channels.get(id)
  if (!channel) return <span className="mention">#{label || 'private-channel'}</span>
  return (
    <a className="mention" href={`/?as=${as}&channel=${id}`} onClick={(event) => (event.preventDefault(), go({ as, channel: id }))}>
      #{channel.name}
    </a>
  )
}

export function SlackDate({ timestamp, format, link }: { timestamp: number; format: string; link?: string }) {
  const { zone } = useWorkspace()
  const date = new Date(timestamp * 1000)
  const shown = (
    <time dateTime={date.toISOString()} title={full(date, zone)}>
      {slackDate(timestamp, format, zone)}
    </time>
  )
  return link ? <Link url={link}>{shown}</Link> : shown
}

// Folded hides the rest of a long text behind "See more", as Slack does where an
// app does not ask for all of it.
export function Folded({ when, children }: { when: boolean; children: ReactNode }) {
  const [open, setOpen] = useState(false)
  if (!when) return <>{children}</>
  return (
    <>
      <div className={open ? undefined : 'folded'}>{children}</div>
      <button type="button" className="link-button" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? 'See less' : 'See more'}
      </button>
    </>
  )
}
