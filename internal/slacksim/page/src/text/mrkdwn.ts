// Slack's mrkdwn, read into a tree. Its rule: every character of the source that
// is not markup is in the tree, unchanged and in order, bidi and invisible ones
// included. A reviewer must see here what Slack would show, or more, never less.
import { emoji } from './emoji'

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'bold' | 'italic' | 'strike'; children: Node[] }
  | { kind: 'quote'; children: Node[] }
  | { kind: 'code' | 'pre'; text: string }
  | { kind: 'link'; url: string; label: string }
  | { kind: 'user' | 'channel' | 'group'; id: string; label?: string }
  | { kind: 'broadcast'; range: string }
  | { kind: 'date'; timestamp: number; format: string; link?: string; fallback: string }
  | { kind: 'emoji'; name: string; glyph: string }

export interface Options {
  verbatim?: boolean // no automatic links
}

const SPANS: Record<string, 'bold' | 'italic' | 'strike'> = { '*': 'bold', _: 'italic', '~': 'strike' }

export function unescape(text: string): string {
  return text.replace(/&(amp|lt|gt);/g, (_, name: string) => (name === 'amp' ? '&' : name === 'lt' ? '<' : '>'))
}

// parse reads a whole text: fences first, then quoted lines, then spans.
export function parse(source: string, options: Options = {}): Node[] {
  const out: Node[] = []
  const fence = /```([\s\S]+?)```/g
  let from = 0
  for (let found = fence.exec(source); found; found = fence.exec(source)) {
    lines(source.slice(from, found.index).replace(/\n$/, ''), options, out)
    out.push({ kind: 'pre', text: plain(found[1]!.replace(/^\n/, '').replace(/\n$/, '')) })
    from = fence.lastIndex
    if (source[from] === '\n') from++
  }
  lines(source.slice(from), options, out)
  return out
}

function lines(text: string, options: Options, out: Node[]): void {
  if (text === '') return
  const all = text.split('\n')
  let plainLines: string[] = []
  const flush = () => {
    if (plainLines.length > 0) out.push(...inline(plainLines.join('\n'), options))
    plainLines = []
  }
  for (let i = 0; i < all.length; i++) {
    const mark = /^(>>>|&gt;&gt;&gt;|>|&gt;) ?/.exec(all[i]!)
    if (!mark) {
      plainLines.push(all[i]!)
      continue
    }
    flush()
    const rest = mark[1]!.length !== 1 && mark[1] !== '&gt;'
    const quoted = [all[i]!.slice(mark[0].length)]
    while (i + 1 < all.length && (rest || /^(>|&gt;)/.test(all[i + 1]!))) {
      i++
      quoted.push(rest ? all[i]! : all[i]!.replace(/^(>|&gt;) ?/, ''))
    }
    out.push({ kind: 'quote', children: inline(quoted.join('\n'), options) })
  }
  flush()
}

// plain is what code shows: entities decoded, links as their label or address.
function plain(text: string): string {
  return unescape(text.replace(/<(https?:[^<>|\n]+)(?:\|([^<>\n]*))?>/g, (_, url: string, label?: string) => label || url))
}

const word = (c: string | undefined) => c !== undefined && /[\p{L}\p{N}]/u.test(c)
const space = (c: string | undefined) => c === undefined || /\s/.test(c)

export function inline(text: string, options: Options = {}): Node[] {
  const out: Node[] = []
  let run = ''
  const flush = () => {
    if (run) out.push({ kind: 'text', text: unescape(run) })
    run = ''
  }
  for (let i = 0; i < text.length; ) {
    const taken = token(text, i, options)
    if (!taken) {
      run += text[i++]
      continue
    }
    flush()
    out.push(taken.node)
    i = taken.end
  }
  flush()
  return out
}

function token(text: string, i: number, options: Options): { node: Node; end: number } | null {
  const c = text[i]!
  if (c === '<') return entity(text, i)
  if (c === '`') {
    const end = text.indexOf('`', i + 1)
    if (end <= i + 1 || text.slice(i, end).includes('\n')) return null
    return { node: { kind: 'code', text: plain(text.slice(i + 1, end)) }, end: end + 1 }
  }
  if (SPANS[c]) {
    const end = spanEnd(text, i)
    if (end < 0) return null
    return { node: { kind: SPANS[c], children: inline(text.slice(i + 1, end), options) }, end: end + 1 }
  }
  if (c === ':') {
    const found = /^:([a-z0-9_+'-]+):(?::skin-tone-([2-6]):)?/.exec(text.slice(i, i + 80))
    const glyph = found && emoji(found[1]!, found[2] ? Number(found[2]) : undefined)
    return glyph ? { node: { kind: 'emoji', name: found![1]!, glyph }, end: i + found![0].length } : null
  }
  if (c === 'h' && !options.verbatim && !word(text[i - 1])) {
    const found = /^https?:\/\/[^\s<>|*`]+/.exec(text.slice(i, i + 3000))
    const url = found?.[0].replace(/[.,:;!?)'"_~]+$/, '')
    if (url && !/^https?:\/\/$/.test(url)) {
      return { node: { kind: 'link', url: unescape(url), label: unescape(url) }, end: i + url.length }
    }
  }
  return null
}

// spanEnd finds the closing mark of *bold*, _italic_ or ~strike~. A mark opens
// only where no word ends and closes only where none goes on, so that 2*3*4 and
// snake_case_names stay as they are; code and entities in between are skipped.
function spanEnd(text: string, start: number): number {
  const mark = text[start]
  if (word(text[start - 1]) || space(text[start + 1]) || text[start + 1] === mark) return -1
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\n') return -1
    if (text[i] === '`' || text[i] === '<') {
      const end = text.indexOf(text[i] === '<' ? '>' : '`', i + 1)
      if (end > i) i = end
      continue
    }
    if (text[i] === mark && !space(text[i - 1]) && !word(text[i + 1]) && text[i + 1] !== mark) return i
  }
  return -1
}

function entity(text: string, i: number): { node: Node; end: number } | null {
  const close = text.indexOf('>', i)
  if (close < 0) return null
  const body = text.slice(i + 1, close)
  const end = close + 1
  const bar = body.indexOf('|')
  const target = bar < 0 ? body : body.slice(0, bar)
  const label = bar < 0 ? undefined : unescape(body.slice(bar + 1))
  const id = target.slice(1)
  if (/^@[UWB][A-Z0-9]+$/.test(target)) return { node: { kind: 'user', id, label }, end }
  if (/^#[CGD][A-Z0-9]+$/.test(target)) return { node: { kind: 'channel', id, label }, end }
  if (target.startsWith('!subteam^')) return { node: { kind: 'group', id: target.slice(9), label }, end }
  if (/^!(here|channel|everyone)$/.test(target)) return { node: { kind: 'broadcast', range: id }, end }
  if (target.startsWith('!date^')) {
    const [, stamp, format, link] = target.split('^')
    if (!/^\d+$/.test(stamp ?? '')) return { node: { kind: 'text', text: label ?? body }, end }
    return { node: { kind: 'date', timestamp: Number(stamp), format: format ?? '', link, fallback: label ?? '' }, end }
  }
  if (/^(https?:\/\/|mailto:|tel:)/.test(target)) {
    return { node: { kind: 'link', url: unescape(target), label: label || unescape(target.replace(/^(mailto|tel):/, '')) }, end }
  }
  return null
}
