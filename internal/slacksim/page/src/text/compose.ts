// From what a person types to what is sent, and what the composer offers while
// they type.
import type { Channel, Command, User } from '../sim/api'

// encode turns @name, #channel and @here into Slack's notation. A name must stand
// alone: neither mail addresses nor longer names match. Everything else goes as
// it was typed; the simulator escapes it, as Slack's servers do.
export function encode(text: string, users: User[], channels: Channel[]): string {
  const people = new Map(users.map((u) => [u.name.toLowerCase(), u.id]))
  const rooms = new Map(channels.filter((c) => c.kind === 'channel').map((c) => [c.name.toLowerCase(), c.id]))
  // "@Maya Lindqvist" is what messages show, so it is what people copy.
  const byFullName = [...users].sort((a, b) => b.real_name.length - a.real_name.length).reduce((said, u) => {
    const name = u.real_name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    return u.real_name.includes(' ') ? said.replace(new RegExp(`(^|[^\\p{L}\\p{N}_&@#/<])@${name}(?![\\p{L}\\p{N}_])`, 'giu'), `$1<@${u.id}>`) : said
  }, text)
  return byFullName.replace(/(^|[^\p{L}\p{N}_&@#/<])([@#])([\p{L}\p{N}][\p{L}\p{N}._-]*)/gu, (whole, before: string, mark: string, typed: string) => {
    for (let name = typed; name; name = name.slice(0, -1)) {
      // "@ann." ends a sentence; "@anna" is not "@ann".
      const rest = typed.slice(name.length)
      if (!/^[._-]*$/.test(rest)) break
      const lower = name.toLowerCase()
      if (mark === '@' && /^(here|channel|everyone)$/.test(lower)) return `${before}<!${lower}>${rest}`
      const id = mark === '@' ? people.get(lower) : rooms.get(lower)
      if (id) return `${before}<${mark}${id}>${rest}`
    }
    return whole
  })
}

export interface Offer {
  key: string
  insert: string // what replaces the typed part
  title: string
  detail: string
  user?: User
}

export interface Offers {
  kind: 'command' | 'person' | 'channel'
  from: number // where the typed part begins
  items: Offer[]
}

// offers lists what could complete the text before the caret, or null.
export function offers(text: string, caret: number, users: User[], channels: Channel[], commands: Command[]): Offers | null {
  const before = text.slice(0, caret)
  if (/^\/\S*$/.test(before)) {
    const items = commands
      .filter((c) => c.command.startsWith(before))
      .map((c) => ({ key: c.command, insert: `${c.command} `, title: `${c.command} ${c.usage_hint}`.trim(), detail: c.description }))
    return items.length > 0 ? { kind: 'command', from: 0, items } : null
  }
  const typed = /(?:^|[\s(])([@#])([\p{L}\p{N}._-]*)$/u.exec(before)
  if (!typed) return null
  const part = typed[2]!.toLowerCase()
  const from = caret - part.length - 1
  if (typed[1] === '#') {
    const items = channels
      .filter((c) => c.kind === 'channel' && c.name.toLowerCase().includes(part))
      .map((c) => ({ key: c.id, insert: `#${c.name} `, title: `#${c.name}`, detail: c.topic ?? '' }))
    return items.length > 0 ? { kind: 'channel', from, items: items.slice(0, 8) } : null
  }
  const items = users
    .filter((u) => !u.deleted && (u.name.toLowerCase().startsWith(part) || u.real_name.toLowerCase().split(' ').some((n) => n.startsWith(part))))
    .map((u) => ({ key: u.id, insert: `@${u.name} `, title: u.real_name, detail: `@${u.name}`, user: u }))
  return items.length > 0 ? { kind: 'person', from, items: items.slice(0, 8) } : null
}

// hint is the usage of the command that the text begins with.
export function hint(text: string, commands: Command[]): Command | undefined {
  const first = /^(\/\S+)\s/.exec(text)?.[1]
  return commands.find((c) => c.command === first)
}
