import { describe, expect, test } from 'vitest'
import { parse, type Node } from './mrkdwn'

const escape = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

const flat = (nodes: Node[]): string =>
  nodes
    .map((n) => {
      switch (n.kind) {
        case 'text':
          return n.text
        case 'bold':
        case 'italic':
        case 'strike':
        case 'quote':
          return `[${n.kind} ${flat(n.children)}]`
        case 'code':
        case 'pre':
          return `[${n.kind} ${n.text}]`
        case 'link':
          return `[link ${n.url} ${n.label}]`
        case 'user':
        case 'channel':
        case 'group':
          return `[${n.kind} ${n.id}]`
        case 'broadcast':
          return `[broadcast ${n.range}]`
        case 'date':
          return `[date ${n.timestamp} ${n.format} | ${n.fallback}]`
        case 'emoji':
          return n.glyph
      }
    })
    .join('')

describe('mrkdwn', () => {
  test.each([
    ['*bold* _it_ ~gone~ `code`', '[bold bold] [italic it] [strike gone] [code code]'],
    ['*a _b_*', '[bold a [italic b]]'],
    ['2*3*4 and snake_case_name', '2*3*4 and snake_case_name'],
    ['* not bold * and *also not', '* not bold * and *also not'],
    ['*no\nline break*', '*no\nline break*'],
    ['*Cost:* $0.02, up to *$1.00*.', '[bold Cost:] $0.02, up to [bold $1.00].'],
    ['`*raw* <@U1> &lt;b&gt;`', '[code *raw* <@U1> <b>]'],
    ['a ```\nx = "*y*" &amp; 1\n  z\n``` b', 'a [pre x = "*y*" & 1\n  z] b'],
    ['> one\n> two\nthree', '[quote one\ntwo]three'],
    ['&gt; typed', '[quote typed]'],
    ['>>> all\nof it', '[quote all\nof it]'],
    ['<@U1> <#C1|sales> <!here> <!subteam^S1>', '[user U1] [channel C1] [broadcast here] [group S1]'],
    ['<https://x.y/?a=1&amp;b=2|label>', '[link https://x.y/?a=1&b=2 label]'],
    ['see https://x.y/z.', 'see [link https://x.y/z https://x.y/z].'],
    ['<javascript:alert(1)|x>', '<javascript:alert(1)|x>'],
    ['<!date^1763792000^{date_short}|then>', '[date 1763792000 {date_short} | then]'],
    [':tada: :not_an_emoji: 10:30:00', '🎉 :not_an_emoji: 10:30:00'],
    ['| a | b |\n|--|--|', '| a | b |\n|--|--|'],
    ['![img](https://x.y/z.png)', '![img]([link https://x.y/z.png https://x.y/z.png])'],
    ['# heading\n- item', '# heading\n- item'],
    ['    indented', '    indented'],
    ['&amp;lt; stays one level', '&lt; stays one level'],
  ])('%j', (source, want) => {
    expect(flat(parse(source))).toBe(want)
  })

  test('verbatim makes no links', () => {
    expect(flat(parse('see https://x.y', { verbatim: true }))).toBe('see https://x.y')
  })

  test('loses no character of escaped text without markup', () => {
    const hostile = 'a\u202Eb\u200Bc\u3164d\u2028e\u{E0041}f <script>&amp; | ![x] \\ \t end'
    expect(flat(parse(escape(hostile)))).toBe(hostile)
  })

  test('shows every letter of random marked-up text', () => {
    let seed = 7
    const next = (n: number) => (seed = (seed * 48271) % 2147483647) % n
    const pieces = ['*', '_', '~', '`', '```', ' ', '\n', 'ab', 'c1', '.', '|', '#', '(', ')', '\u202E', '\u00E9', '-']
    for (let round = 0; round < 3000; round++) {
      const source = Array.from({ length: 1 + next(24) }, () => pieces[next(pieces.length)]).join('')
      const letters = (text: string) => text.replace(/[^a-z0-9\u202E\u00E9.|#()-]/g, '')
      expect(letters(flat(parse(source)).replace(/\[(bold|italic|strike|code|pre|quote) /g, ''))).toBe(letters(source))
    }
  })
})
