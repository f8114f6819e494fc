// Text, number, date and time: the browser's own fields, with Slack's rules.
import type { ChangeEvent, KeyboardEvent } from 'react'
import { testid, type ElementProps } from './Interactive'
import { useSurface, useValue } from './surface'

// Typing is no action by itself: Slack sends one on Enter, or on each character
// where dispatch_action_config asks for it.
function useTyping({ block, element }: ElementProps) {
  const { act } = useSurface()
  const [value, change] = useValue(block, element)
  const text = String(value?.value ?? '')
  const on: string[] = element.dispatch_action_config?.trigger_actions_on ?? ['on_enter_pressed']
  const dispatches = block.type !== 'input' || !!block.dispatch_action
  const type = (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => {
    change({ value: event.target.value === '' ? null : event.target.value }, !(dispatches && on.includes('on_character_entered')))
  }
  const enter = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.nativeEvent.isComposing || !dispatches || !on.includes('on_enter_pressed')) return
    if (element.multiline && !event.metaKey && !event.ctrlKey) return
    event.preventDefault()
    act(block, element, { value: text || null })
  }
  return { text, type, enter }
}

const KINDS: Record<string, string> = { email_text_input: 'email', url_text_input: 'url' }

function common({ element, id, describedBy, invalid }: ElementProps) {
  return {
    id,
    'data-testid': testid(element),
    'aria-describedby': describedBy,
    'aria-invalid': invalid || undefined,
    'aria-label': id ? undefined : (element.placeholder?.text ?? 'Text'),
    'data-autofocus': element.focus_on_load || undefined,
    placeholder: element.placeholder?.text,
    className: 'control',
  }
}

export function TextField(props: ElementProps) {
  const { element } = props
  const { text, type, enter } = useTyping(props)
  const most: number | undefined = element.max_length
  const left = most === undefined ? undefined : most - [...text].length
  return (
    <>
      {element.multiline ? (
        <textarea {...common(props)} rows={Math.min(16, Math.max(4, text.split('\n').length + 1))} value={text} onChange={type} onKeyDown={enter} spellCheck={false} />
      ) : (
        <input {...common(props)} type={KINDS[element.type] ?? 'text'} value={text} onChange={type} onKeyDown={enter} autoComplete="off" />
      )}
      {left !== undefined && left <= Math.max(20, (most ?? 0) * 0.2) && (
        <p className={`hint counter${left < 0 ? ' over' : ''}`} aria-live="polite">
          {left < 0 ? `${-left} characters too many` : `${left} characters left`}
        </p>
      )}
    </>
  )
}

export function NumberField(props: ElementProps) {
  const { text, type, enter } = useTyping(props)
  return <input {...common(props)} type="text" inputMode={props.element.is_decimal_allowed ? 'decimal' : 'numeric'} value={text} onChange={type} onKeyDown={enter} autoComplete="off" />
}

const DATES: Record<string, { field: string; input: string }> = {
  datepicker: { field: 'selected_date', input: 'date' },
  timepicker: { field: 'selected_time', input: 'time' },
  datetimepicker: { field: 'selected_date_time', input: 'datetime-local' },
}

export function DateField(props: ElementProps) {
  const { block, element } = props
  const [value, change] = useValue(block, element)
  const { field, input } = DATES[element.type]!
  const held = value?.[field]
  const shown = input === 'datetime-local' && held ? local(Number(held)) : String(held ?? '')
  return (
    <input
      {...common(props)}
      type={input}
      value={shown}
      onChange={(event) => {
        const typed = event.target.value
        if (!typed) change({ [field]: null }, true)
        else change({ [field]: input === 'datetime-local' ? Math.floor(new Date(typed).getTime() / 1000) : typed })
      }}
    />
  )
}

// local writes a Unix time the way datetime-local wants it.
function local(seconds: number): string {
  const date = new Date(seconds * 1000)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
