import { expect, test } from 'vitest'
import type { Channel, Command, User } from '../sim/api'
import { encode, hint, offers } from './compose'

const user = (id: string, name: string, real_name: string) => ({ id, name, real_name }) as User
const users = [user('U1', 'ann', 'Ann Lee'), user('U2', 'ann.b', 'Ann Berg'), user('U3', 'analyze', 'Analyze')]
const channels = [{ id: 'C1', name: 'sales-data', kind: 'channel' }, { id: 'D1', name: 'ann', kind: 'im' }] as Channel[]
const commands: Command[] = [
  { command: '/analyze', description: 'Ask', usage_hint: '[question]' },
  { command: '/budget', description: 'Money', usage_hint: 'show' },
]

test.each([
  ['hi @ann, ok?', 'hi <@U1>, ok?'],
  ['@ann.b and @ann.', '<@U2> and <@U1>.'],
  ['@Ann Lee and @ann berg!', '<@U1> and <@U2>!'],
  ['@Ann Leeway and me@Ann Lee', '<@U1> Leeway and me@Ann Lee'],
  ['@Analyze go', '<@U3> go'],
  ['@anna and me@ann.example', '@anna and me@ann.example'],
  ['in #sales-data.', 'in <#C1>.'],
  ['#ann is no channel', '#ann is no channel'],
  ['@here look', '<!here> look'],
  ['a < b & c > d', 'a < b & c > d'],
  ['<@U1> and <@ann>', '<@U1> and <@ann>'],
])('encode %j', (typed, want) => {
  expect(encode(typed, users, channels)).toBe(want)
})

test('offers commands only at the start and people after a space', () => {
  const at = (text: string) => offers(text, text.length, users, channels, commands)?.items.map((i) => i.insert)
  expect(at('/')).toEqual(['/analyze ', '/budget '])
  expect(at('/bu')).toEqual(['/budget '])
  expect(at('say /bu')).toBeUndefined()
  expect(at('hi @be')).toEqual(['@ann.b '])
  expect(at('x@an')).toBeUndefined()
  expect(at('in #sal')).toEqual(['#sales-data '])
})

test('shows the usage once a command is typed', () => {
  expect(hint('/analyze why', commands)?.usage_hint).toBe('[question]')
  expect(hint('/analyze', commands)).toBeUndefined()
})
