// A person's square: initials on their own colour. A bot shows a robot.
import type { User } from '../sim/api'
import { Icon } from './Icon'

const PALETTE = ['#7a3e9d', '#0b6e69', '#a8385d', '#2b5fa8', '#8a5a00', '#3f6b2a', '#5b4bb7', '#a0452e']

function colour(user: User): string {
  if (/^#?[0-9a-f]{6}$/i.test(user.color ?? '')) return user.color.startsWith('#') ? user.color : `#${user.color}`
  let sum = 0
  for (const c of user.id) sum = (sum * 31 + c.charCodeAt(0)) % 9973
  return PALETTE[sum % PALETTE.length]!
}

// ink keeps the initials readable on any colour.
function ink(background: string): string {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(background.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! > 0.18 ? '#1a1a1a' : '#ffffff'
}

export function Avatar({ user, size = 36 }: { user?: User; size?: number }) {
  const background = user ? colour(user) : '#6b6b6b'
  const initials = (user?.real_name || user?.name || '?').split(/\s+/).slice(0, 2).map((part) => [...part][0]?.toUpperCase() ?? '').join('')
  return (
    <span className="avatar" aria-hidden="true" style={{ width: size, height: size, background, color: ink(background), fontSize: size * 0.38 }}>
      {user?.is_bot ? <Icon name="bot" size={size * 0.6} /> : initials}
    </span>
  )
}
