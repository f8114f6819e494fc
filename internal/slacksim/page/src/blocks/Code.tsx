// A code block. Its text is drawn byte for byte: the tokenizer only wraps pieces
// of it, and where those do not add up to the text again, it is drawn plain.
import bash from 'highlight.js/lib/languages/bash'
import json from 'highlight.js/lib/languages/json'
import python from 'highlight.js/lib/languages/python'
import sql from 'highlight.js/lib/languages/sql'
import { createLowlight } from 'lowlight'
import { memo, useState, type ReactNode } from 'react'
import { Icon } from '../parts/Icon'

const lowlight = createLowlight({ bash, json, python, sql })
const LARGEST = 60_000 // characters; beyond, colours are not worth the wait

type Leaf = { type: string; value?: string; properties?: { className?: unknown }; children?: Leaf[] }

const textOf = (nodes: Leaf[]): string => nodes.map((n) => n.value ?? textOf(n.children ?? [])).join('')

export function coloured(text: string, language?: string): Leaf[] | null {
  if (!language || !lowlight.registered(language) || text.length > LARGEST) return null
  const tree = lowlight.highlight(language, text).children as Leaf[]
  return textOf(tree) === text ? tree : null
}

const draw = (nodes: Leaf[]): ReactNode[] =>
  nodes.map((n, i) =>
    n.type === 'text' ? n.value : <span key={i} className={Array.isArray(n.properties?.className) ? n.properties.className.join(' ') : undefined}>{draw(n.children ?? [])}</span>,
  )

export const Code = memo(function Code({ text, language, children }: { text: string; language?: string; children?: ReactNode }) {
  const [copied, setCopied] = useState(false)
  const tree = children ? null : coloured(text, language)
  const copy = () => navigator.clipboard.writeText(text).then(() => setCopied(true), () => setCopied(false))
  return (
    <div className="code-frame">
      <pre className="pre" tabIndex={0} aria-label={language ? `${language} code` : 'code'} data-language={language}>
        <code>{children ?? (tree ? draw(tree) : text)}</code>
      </pre>
      <button type="button" className="code-copy" onClick={copy} aria-label="Copy code">
        {copied ? <Icon name="check" size={14} /> : 'Copy'}
      </button>
    </div>
  )
})
