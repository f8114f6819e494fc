// Slack's emoji names, from the data set that Slack's own names come from.
import names from 'emojibase-data/en/shortcodes/iamcal.json'

const byName = new Map<string, string>()
for (const [hex, name] of Object.entries(names as Record<string, string | string[]>)) {
  const glyph = String.fromCodePoint(...hex.split('-').map((part) => parseInt(part, 16)))
  for (const one of Array.isArray(name) ? name : [name]) byName.set(one, presentation(glyph))
}

// presentation asks for the coloured form of old symbols such as U+26A0.
function presentation(glyph: string): string {
  return /^\p{Extended_Pictographic}$/u.test(glyph) && !/\p{Emoji_Presentation}/u.test(glyph) ? `${glyph}\uFE0F` : glyph
}

// emoji returns the glyph of a name such as "tada", or undefined. Skin tones are
// Slack's 2 to 6.
export function emoji(name: string, tone?: number): string | undefined {
  const glyph = byName.get(name)
  if (!glyph || !tone || tone < 2 || tone > 6) return glyph
  return glyph.replace('\uFE0F', '') + String.fromCodePoint(0x1f3fa + tone - 1)
}
