// A message's or a view's blocks, each drawn by its type.
import { Component, lazy, Suspense, type ReactNode } from 'react'
import type { Block, Element, TextObject } from '../sim/api'
import { Icon } from '../parts/Icon'
import { Picture, SlackPicture } from '../panes/Files'
import { Folded, Link, Text } from '../text/Text'
import { Interactive } from './Interactive'
import { Input } from './Input'
import { RichText, Unknown } from './RichText'
import { Table } from './Table'

// Both are large and seldom needed: they come in files of their own.
const Chart = lazy(() => import('./Chart'))
const Markdown = lazy(() => import('./Markdown'))

export function Blocks({ blocks }: { blocks: Block[] }) {
  return (
    <div className="blocks">
      {blocks.map((block, i) => (
        <Guard key={block.block_id || i} what={block.type}>
          <div className={`block block-${block.type}`} data-block={block.block_id}>
            <One block={block} />
          </div>
        </Guard>
      ))}
    </div>
  )
}

function One({ block }: { block: Block }) {
  switch (block.type) {
    case 'section':
      return <Section block={block} />
    case 'header':
      return (
        <h2 className="header-block">
          <Text of={block.text} />
        </h2>
      )
    case 'divider':
      return <hr />
    case 'context':
      return <Context elements={block.elements ?? []} />
    case 'actions':
    case 'context_actions':
      return (
        <div className="actions" role="group">
          {(block.elements ?? []).map((element: Element, i: number) => (
            <Interactive key={element.action_id ?? i} block={block} element={element} />
          ))}
        </div>
      )
    case 'input':
      return <Input block={block} />
    case 'rich_text':
      return <RichText elements={block.elements ?? []} />
    case 'table':
    case 'data_table':
      return <Table block={block} />
    case 'image':
      return <ImageBlock block={block} />
    case 'markdown':
      return <Later><Markdown text={block.text ?? ''} /></Later>
    case 'data_visualization':
      return <Later><Chart block={block} /></Later>
    case 'alert':
      return <Alert block={block} />
    case 'container':
      return (
        <section className="container-block">
          {block.title && <h3><Text of={asText(block.title)} /></h3>}
          <Blocks blocks={block.child_blocks ?? block.blocks ?? block.elements ?? []} />
        </section>
      )
    case 'card':
      return <Card block={block} />
    case 'carousel':
      return (
        <div className="carousel" tabIndex={0} role="group" aria-label="Cards">
          {(block.elements ?? []).map((card: Block, i: number) => (
            <Card key={i} block={card} />
          ))}
        </div>
      )
    case 'plan':
      return (
        <section className="plan">
          <h3>{typeof block.title === 'string' ? block.title : <Text of={block.title} />}</h3>
          {(block.tasks ?? []).map((task: Block, i: number) => (
            <Task key={task.task_id ?? i} block={task} />
          ))}
        </section>
      )
    case 'task_card':
      return <Task block={block} />
    case 'file':
    case 'video':
      return <Context elements={[{ type: 'plain_text', text: block.title?.text ?? block.alt_text ?? `A ${block.type} (${block.external_id ?? 'remote'})` }]} />
    default:
      return <Unknown what={block.type} />
  }
}

const asText = (text: TextObject | string): TextObject => (typeof text === 'string' ? { type: 'plain_text', text } : text)

const LONG = { characters: 1200, lines: 16 } // beyond, a section that is not "expand" is folded

function Section({ block }: { block: Block }) {
  const text: string = block.text?.text ?? ''
  const folded = !block.expand && (text.length > LONG.characters || text.split('\n').length > LONG.lines)
  return (
    <div className="section">
      <div className="section-main">
        <Folded when={folded}>
          <Text of={block.text} />
        </Folded>
        {block.fields && (
          <div className="fields">
            {block.fields.map((field: TextObject, i: number) => (
              <div key={i} className="field">
                <Text of={field} />
              </div>
            ))}
          </div>
        )}
      </div>
      {block.accessory && (
        <div className="accessory">
          {block.accessory.type === 'image' ? <Thumb element={block.accessory} className="thumb" /> : <Interactive block={block} element={block.accessory} />}
        </div>
      )}
    </div>
  )
}

function Context({ elements }: { elements: Element[] }) {
  return (
    <div className="context">
      {elements.map((element, i) => (element.type === 'image' ? <Thumb key={i} element={element} className="context-image" /> : <Text key={i} of={element as unknown as TextObject} />))}
    </div>
  )
}

// Thumb is a small picture. Only pictures of this machine load; a remote one
// shows its alternative text.
function Thumb({ element, className }: { element: Element; className: string }) {
  if (element.slack_file) return <SlackPicture file={element.slack_file} alt={element.alt_text ?? ''} className={className} />
  return isLocal(element.image_url) ? <img className={className} src={element.image_url} alt={element.alt_text ?? ''} /> : <span className="remote-image">{element.alt_text || 'picture'}</span>
}

const isLocal = (url: unknown) => typeof url === 'string' && (url.startsWith('/') || url.startsWith(`${location.origin}/`))

function ImageBlock({ block }: { block: Block }) {
  const alt: string = block.alt_text ?? ''
  return (
    <figure className="image-block">
      {block.title && (
        <figcaption>
          <Text of={block.title} />
        </figcaption>
      )}
      {block.slack_file ? (
        <SlackPicture file={block.slack_file} alt={alt} />
      ) : isLocal(block.image_url) ? (
        <Picture src={block.image_url} alt={alt} name={block.title?.text ?? 'picture'} />
      ) : (
        <p className="remote-image">
          <Icon name="globe" size={16} /> A picture from elsewhere is not loaded here: {alt || 'no description'} (<Link url={String(block.image_url)}>open it</Link>)
        </p>
      )}
    </figure>
  )
}

function Alert({ block }: { block: Block }) {
  const level = ['info', 'warning', 'error', 'success'].includes(block.level) ? block.level : 'default'
  return (
    <div className={`alert ${level}`} role="note" aria-label={level}>
      <Icon name={level === 'warning' || level === 'error' ? 'warning' : level === 'success' ? 'check' : 'info'} />
      <Text of={asText(block.text ?? '')} />
    </div>
  )
}

function Card({ block }: { block: Block }) {
  return (
    <section className="card">
      {block.hero_image && <Thumb element={block.hero_image} className="card-hero" />}
      {block.title && <h3><Text of={asText(block.title)} /></h3>}
      {block.subtitle && <p className="quiet"><Text of={asText(block.subtitle)} /></p>}
      {block.body && <Text of={asText(block.body)} />}
      {block.actions && (
        <div className="actions">
          {block.actions.map((element: Element, i: number) => (
            <Interactive key={element.action_id ?? i} block={block} element={element} />
          ))}
        </div>
      )}
    </section>
  )
}

const TASK: Record<string, string> = { pending: 'Waiting', in_progress: 'In progress', complete: 'Done', error: 'Failed' }

function Task({ block }: { block: Block }) {
  return (
    <div className={`task ${block.status ?? 'pending'}`}>
      <strong>{block.title}</strong> <span className="task-status">{TASK[block.status] ?? block.status}</span>
      {block.details && <RichText elements={block.details.elements ?? []} />}
      {block.output && <RichText elements={block.output.elements ?? []} />}
    </div>
  )
}

function Later({ children }: { children: ReactNode }) {
  return <Suspense fallback={<p className="quiet">Loading…</p>}>{children}</Suspense>
}

// Guard keeps one malformed block from taking the page with it.
class Guard extends Component<{ what: string; children: ReactNode }, { failed: boolean }> {
  state = { failed: false }
  static getDerivedStateFromError() {
    return { failed: true }
  }
  render() {
    return this.state.failed ? <Unknown what={`${this.props.what} (malformed)`} /> : this.props.children
  }
}
