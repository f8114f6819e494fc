// Select menus of every kind: own options, people, channels; one or several.
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react'
import type { Channel, Element, TextObject, User } from '../sim/api'
import { Avatar } from '../parts/Avatar'
import { Icon } from '../parts/Icon'
import { Popup } from '../parts/Popup'
import { useWorkspace, type Workspace } from '../sim/workspace'
import { testid, type ElementProps } from './Interactive'
import { useValue } from './surface'
import { fieldOf, type Value } from './values'

interface Row {
  key: string
  label: string
  detail?: string
  group?: string
  user?: User
  held: unknown // what the value carries
}

interface Option {
  text: TextObject
  value: string
  description?: TextObject
}

const isChannel = (c: Channel, w: Workspace) => (c.kind === 'channel' ? `#${c.name}` : (w.users.get(c.user ?? '')?.real_name ?? c.name))

function rowsOf(element: Element, w: Workspace): Row[] {
  if (/users_select$/.test(element.type)) {
    return w.state.users.filter((u) => !u.deleted).map((u) => ({ key: u.id, label: u.real_name || u.name, detail: `@${u.name}`, user: u, held: u.id }))
  }
  if (/(channels|conversations)_select$/.test(element.type)) {
    const all = /channels/.test(element.type) ? w.state.channels.filter((c) => c.kind === 'channel' && !c.is_private) : w.state.channels
    return all.map((c) => ({ key: c.id, label: isChannel(c, w), held: c.id }))
  }
  const row = (o: Option, group?: string): Row => ({ key: o.value, label: o.text.text, detail: o.description?.text, group, held: o })
  const groups: { label: TextObject; options: Option[] }[] = element.option_groups ?? []
  return [...(element.options ?? []).map((o: Option) => row(o)), ...groups.flatMap((g) => g.options.map((o) => row(o, g.label.text)))]
}

const keyOf = (held: unknown): string => (typeof held === 'string' ? held : ((held as Option)?.value ?? ''))

function heldBy(value: Value | null, field: string): unknown[] {
  const held = value?.[field]
  return Array.isArray(held) ? held : held === null || held === undefined ? [] : [held]
}

export function Select({ block, element, id, describedBy, invalid }: ElementProps) {
  const workspace = useWorkspace()
  const [value, change] = useValue(block, element)
  const [open, setOpen] = useState(false)
  const anchor = useRef<HTMLButtonElement>(null)
  const many = element.type.startsWith('multi_')
  const field = fieldOf(element) ?? 'selected_option'
  const rows = rowsOf(element, workspace)
  const held = heldBy(value, field)
  const picked = held.map((h) => rows.find((r) => r.key === keyOf(h)) ?? { key: keyOf(h), label: keyOf(h), held: h })
  const choose = (row: Row) => {
    if (!many) {
      change({ [field]: row.held })
      setOpen(false)
      anchor.current?.focus()
      return
    }
    const without = held.filter((h) => keyOf(h) !== row.key)
    if (without.length < held.length) change({ [field]: without })
    else if (held.length < (element.max_selected_items ?? Infinity)) change({ [field]: [...held, row.held] })
    else workspace.notify(`At most ${element.max_selected_items} can be chosen here.`)
  }
  const said = picked.map((r) => r.label).join(', ')
  const placeholder: string = element.placeholder?.text ?? 'Choose an option'
  return (
    <>
      <button
        ref={anchor}
        id={id}
        type="button"
        className={`select control${block.type === 'input' ? ' wide' : ''}`}
        data-testid={testid(element)}
        aria-haspopup="listbox"
        aria-expanded={open}
        aria-describedby={describedBy}
        aria-invalid={invalid || undefined}
        aria-label={id ? undefined : `${placeholder}: ${said || 'nothing chosen'}`}
        aria-labelledby={id && said ? `${id}-label ${id}` : undefined}
        data-autofocus={element.focus_on_load || undefined}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
          event.preventDefault()
          setOpen(true)
        }}
      >
        <span className={said ? 'select-text' : 'select-text placeholder'}>{said || placeholder}</span>
        <Icon name="down" size={14} />
      </button>
      {open && (
        <Popup anchor={anchor} match onClose={() => setOpen(false)}>
          <List
            label={placeholder}
            rows={rows}
            many={many}
            picked={new Set(picked.map((r) => r.key))}
            choose={choose}
            close={() => {
              setOpen(false)
              anchor.current?.focus()
            }}
          />
        </Popup>
      )}
    </>
  )
}

interface ListProps {
  label: string
  rows: Row[]
  many: boolean
  picked: Set<string>
  choose(row: Row): void
  close(): void
}

function List({ label, rows, many, picked, choose, close }: ListProps) {
  const [typed, setTyped] = useState('')
  const shown = rows.filter((r) => `${r.label} ${r.detail ?? ''}`.toLowerCase().includes(typed.toLowerCase()))
  const [at, setAt] = useState(() => Math.max(0, rows.findIndex((r) => picked.has(r.key))))
  const id = useId()
  const field = useRef<HTMLInputElement>(null)
  const active = useRef<HTMLDivElement>(null)
  useEffect(() => {
    field.current?.focus()
  }, [])
  useEffect(() => {
    active.current?.scrollIntoView({ block: 'nearest' }) // newer browsers return a promise here
  }, [at])
  const onKey = (event: KeyboardEvent) => {
    const row = shown[at]
    if (event.key === 'ArrowDown') setAt(Math.min(at + 1, shown.length - 1))
    else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0))
    else if (event.key === 'Enter') row && choose(row)
    else if (event.key === 'Escape') close()
    else if (event.key === 'Tab') return close()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div className="listbox">
      <input
        ref={field}
        className="control"
        role="combobox"
        aria-expanded="true"
        aria-controls={id}
        aria-label={`Search: ${label}`}
        aria-activedescendant={shown[at] ? `${id}-${at}` : undefined}
        placeholder="Type to search"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value)
          setAt(0)
        }}
        onKeyDown={onKey}
      />
      <div id={id} role="listbox" aria-label={label} aria-multiselectable={many || undefined} className="listbox-rows">
        {shown.map((row, i) => (
          <div key={`${row.group ?? ''}/${row.key}`}>
            {row.group && row.group !== shown[i - 1]?.group && <div className="listbox-group" role="presentation">{row.group}</div>}
            <div
              id={`${id}-${i}`}
              ref={i === at ? active : undefined}
              role="option"
              aria-selected={picked.has(row.key)}
              className={`listbox-row${i === at ? ' active' : ''}`}
              data-testid={`option-${row.key}`}
              onPointerMove={() => setAt(i)}
              onClick={() => choose(row)}
            >
              {row.user && <Avatar user={row.user} size={20} />}
              <span className="menu-text">
                <span>{row.label}</span>
                {row.detail && <span className="menu-detail">{row.detail}</span>}
              </span>
              {picked.has(row.key) && <Icon name="check" size={15} />}
            </div>
          </div>
        ))}
        {shown.length === 0 && <p className="quiet pad">Nothing matches.</p>}
      </div>
    </div>
  )
}
