import { expect, test } from 'vitest'
import { slackDate } from './dates'

const now = new Date('2026-11-22T12:00:00Z')

test.each([
  [-1, 'yesterday at 12:00 PM'],
  [0, 'today at 12:00 PM'],
  [1, 'tomorrow at 12:00 PM'],
  [2, 'Nov 24, 2026 at 12:00 PM'],
])('a moment %d days away', (days, want) => {
  expect(slackDate(now.getTime() / 1000 + days * 86_400, '{date_short_pretty} at {time}', 'UTC', now)).toBe(want)
})
