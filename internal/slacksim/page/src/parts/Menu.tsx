// A button with a menu: arrows, Home, End and first letters move, Enter chooses,
// Escape closes and gives the focus back.
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import { Popup } from './Popup'

export interface Item {
  key: string
  label: ReactNode
  text?: string // for first-letter search when label is no string
  detail?: ReactNode
  icon?: ReactNode
  danger?: boolean
  checked?: boolean // a menuitemradio
  href?: string // a link: middle click and modifiers open a new tab
  testid?: string
  run(): void
}

interface Props {
  label: string
  spoken?: boolean // the button's content says the label already
  className?: string
  testid?: string
  align?: 'start' | 'end'
  button: ReactNode
  title?: ReactNode
  items: Item[]
}

export function Menu({ label, spoken, className, testid, align = 'start', button, title, items }: Props) {
  const [open, setOpen] = useState(false)
  const anchor = useRef<HTMLButtonElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const id = useId()
  const entries = () => [...(list.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])]
  const close = (refocus = true) => {
    setOpen(false)
    if (refocus) anchor.current?.focus()
  }
  useEffect(() => {
    if (open) (entries().find((e) => e.getAttribute('aria-checked') === 'true') ?? entries()[0])?.focus()
  }, [open])
  const onKey = (event: KeyboardEvent) => {
    const all = entries()
    const at = all.indexOf(document.activeElement as HTMLElement)
    const to = (i: number) => all[(i + all.length) % all.length]?.focus()
    if (event.key === 'ArrowDown') to(at + 1)
    else if (event.key === 'ArrowUp') to(at - 1)
    else if (event.key === 'Home') to(0)
    else if (event.key === 'End') to(-1)
    else if (event.key === 'Escape') close()
    else if (event.key === 'Tab') return close()
    else if (event.key.length === 1 && /\S/.test(event.key) && !event.ctrlKey && !event.metaKey) {
      const wanted = event.key.toLowerCase()
      const order = [...all.slice(at + 1), ...all.slice(0, at + 1)]
      order.find((e) => e.textContent?.trim().toLowerCase().startsWith(wanted))?.focus()
    } else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <>
      <button
        ref={anchor}
        type="button"
        className={className}
        data-testid={testid}
        aria-label={spoken ? undefined : label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
          event.preventDefault()
          setOpen(true)
        }}
      >
        {button}
      </button>
      {open && (
        <Popup anchor={anchor} align={align} onClose={() => close(false)}>
          {title}
          <div ref={list} id={id} role="menu" aria-label={label} className="menu" onKeyDown={onKey}>
            {items.map((item) => (
              <MenuItem key={item.key} item={item} done={close} />
            ))}
          </div>
        </Popup>
      )}
    </>
  )
}

function MenuItem({ item, done }: { item: Item; done(): void }) {
  const common = {
    role: item.checked === undefined ? 'menuitem' : 'menuitemradio',
    'aria-checked': item.checked,
    tabIndex: -1,
    className: `menu-item${item.danger ? ' danger' : ''}`,
    'data-testid': item.testid,
  }
  const inner = (
    <>
      {item.icon}
      <span className="menu-text">
        <span>{item.label}</span>
        {item.detail && <span className="menu-detail">{item.detail}</span>}
      </span>
    </>
  )
  const run = () => {
    done()
    item.run()
  }
  if (!item.href) {
    return (
      <button type="button" {...common} onClick={run}>
        {inner}
      </button>
    )
  }
  return (
    <a
      {...common}
      href={item.href}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return done()
        event.preventDefault()
        run()
      }}
    >
      {inner}
    </a>
  )
}
