// Times as Slack writes them, in the reader's own time zone.

type Parts = Intl.DateTimeFormatOptions

function format(date: Date, zone: string | undefined, parts: Parts): string {
  try {
    return new Intl.DateTimeFormat('en-US', { ...parts, timeZone: zone || undefined }).format(date)
  } catch {
    return new Intl.DateTimeFormat('en-US', parts).format(date) // an unknown zone name
  }
}

export const fromTS = (ts: string) => new Date(Number(ts.split('.')[0]) * 1000)

export const clock = (date: Date, zone?: string) => format(date, zone, { hour: 'numeric', minute: '2-digit' })

export const dayKey = (date: Date, zone?: string) =>
  format(date, zone, { year: 'numeric', month: '2-digit', day: '2-digit' })

const LONG: Parts = { weekday: 'long', month: 'long', day: 'numeric', year: 'numeric' }

export const full = (date: Date, zone?: string) =>
  `${format(date, zone, LONG)} at ${format(date, zone, { hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'short' })}`

// day is the divider between two days of a channel.
export function day(date: Date, zone?: string, now = new Date()): string {
  const key = dayKey(date, zone)
  if (key === dayKey(now, zone)) return 'Today'
  if (key === dayKey(new Date(now.getTime() - 86_400_000), zone)) return 'Yesterday'
  return format(date, zone, { weekday: 'long', month: 'long', day: 'numeric' })
}

export function ago(date: Date, now = new Date()): string {
  const seconds = Math.round((now.getTime() - date.getTime()) / 1000)
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [[86_400, 'day'], [3600, 'hour'], [60, 'minute']]
  const relative = new Intl.RelativeTimeFormat('en-US', { numeric: 'auto' })
  for (const [size, unit] of steps) {
    if (Math.abs(seconds) >= size) return relative.format(-Math.round(seconds / size), unit)
  }
  return 'just now'
}

// slackDate fills a <!date^..> format. Unknown names stay as they are written.
export function slackDate(timestamp: number, pattern: string, zone?: string, now = new Date()): string {
  const date = new Date(timestamp * 1000)
  const pretty = (otherwise: string) => {
    const near = day(date, zone, now)
    if (near === 'Today' || near === 'Yesterday') return near.toLowerCase()
    return dayKey(date, zone) === dayKey(new Date(now.getTime() + 86_400_000), zone) ? 'tomorrow' : otherwise
  }
  const medium = format(date, zone, { month: 'long', day: 'numeric', year: 'numeric' })
  const short = format(date, zone, { month: 'short', day: 'numeric', year: 'numeric' })
  const long = format(date, zone, LONG)
  const names: Record<string, () => string> = {
    date_num: () => {
      const [month, dom, year] = dayKey(date, zone).split('/')
      return `${year}-${month}-${dom}`
    },
    date_slash: () => dayKey(date, zone),
    date: () => medium,
    date_short: () => short,
    date_long: () => long,
    date_pretty: () => pretty(medium),
    date_short_pretty: () => pretty(short),
    date_long_pretty: () => pretty(long),
    time: () => clock(date, zone),
    time_secs: () => format(date, zone, { hour: 'numeric', minute: '2-digit', second: '2-digit' }),
    ago: () => ago(date, now),
  }
  return pattern.replace(/\{(\w+)\}/g, (whole, name: string) => names[name]?.() ?? whole)
}
