// rich_text: what Slack's own composer makes. Nothing in it is parsed; the tree
// is the text.
import { Fragment, type ReactNode } from 'react'
import { emoji } from '../text/emoji'
import { ChannelMention, Emoji, Link, SlackDate, UserMention } from '../text/Text'
import { Code } from './Code'

type Style = { bold?: boolean; italic?: boolean; strike?: boolean; underline?: boolean; code?: boolean }
type Piece = { type: string; style?: any; elements?: Piece[]; [key: string]: any }

export function RichText({ elements }: { elements: Piece[] }) {
  return (
    <div className="rich">
      {elements.map((element, i) => (
        <Part key={i} element={element} />
      ))}
    </div>
  )
}

function Part({ element }: { element: Piece }) {
  const inner = element.elements ?? []
  switch (element.type) {
    case 'rich_text_section':
      return <div className="text">{inner.map(piece)}</div>
    case 'rich_text_quote':
      return <blockquote>{inner.map(piece)}</blockquote>
    case 'rich_text_preformatted':
      return <Preformatted element={element} />
    case 'rich_text_list':
      return <List element={element} />
    default:
      return <Unknown what={element.type} />
  }
}

function Preformatted({ element }: { element: Piece }) {
  const inner = element.elements ?? []
  const text = inner.map((e) => String(e.text ?? e.url ?? '')).join('')
  return inner.every((e) => e.type === 'text') ? <Code text={text} language={element.language} /> : <Code text={text}>{inner.map(piece)}</Code>
}

function List({ element }: { element: Piece }) {
  const Tag = element.style === 'ordered' ? 'ol' : 'ul'
  const start = element.style === 'ordered' && element.offset ? Number(element.offset) + 1 : undefined
  return (
    <Tag className={`list indent-${Math.min(Number(element.indent ?? 0), 8)}`} start={start}>
      {(element.elements ?? []).map((item, i) => (
        <li key={i}>
          <Part element={item} />
        </li>
      ))}
    </Tag>
  )
}

function piece(element: Piece, key: number): ReactNode {
  const styled = (inner: ReactNode) => <Fragment key={key}>{dress(inner, element.style)}</Fragment>
  switch (element.type) {
    case 'text':
      return styled(element.text)
    case 'link':
      return styled(<Link url={element.url}>{element.text || element.url}</Link>)
    case 'user':
      return styled(<UserMention id={element.user_id} />)
    case 'channel':
      return styled(<ChannelMention id={element.channel_id} />)
    case 'usergroup':
      return styled(<span className="mention">@group</span>)
    case 'broadcast':
      return styled(<span className="mention loud">@{element.range}</span>)
    case 'date':
      return styled(<SlackDate timestamp={Number(element.timestamp)} format={element.format ?? ''} link={element.url} />)
    case 'emoji': {
      const glyph = emoji(element.name, element.skin_tone)
      return styled(glyph ? <Emoji name={element.name} glyph={glyph} /> : `:${element.name}:`)
    }
    case 'color':
      return styled(<span><span className="swatch" style={{ background: element.value }} />{element.value}</span>)
    default:
      return <Unknown key={key} what={element.type} />
  }
}

function dress(inner: ReactNode, style: Style = {}): ReactNode {
  let out = inner
  if (style.code) out = <code>{out}</code>
  if (style.strike) out = <s>{out}</s>
  if (style.underline) out = <u>{out}</u>
  if (style.italic) out = <em>{out}</em>
  if (style.bold) out = <strong>{out}</strong>
  return out
}

// Unknown says that something is not drawn: silence could hide it.
export function Unknown({ what }: { what: string }) {
  return <span className="unknown">The simulator does not draw “{what}”.</span>
}
