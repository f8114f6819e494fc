// The state of the inputs of one message or view, as Slack sends it:
// values[block_id][action_id] = {type, value | selected_option | ...}.
import type { Block, Element, Values } from '../sim/api'

export type Value = { type: string } & Record<string, unknown>
export type Edits = Record<string, Value> // by place

// STATEFUL maps each element that holds a value to the field that carries it and
// to the field of its initial value.
const STATEFUL: Record<string, { field: string; initial: string; many?: boolean }> = {
  plain_text_input: { field: 'value', initial: 'initial_value' },
  email_text_input: { field: 'value', initial: 'initial_value' },
  url_text_input: { field: 'value', initial: 'initial_value' },
  number_input: { field: 'value', initial: 'initial_value' },
  static_select: { field: 'selected_option', initial: 'initial_option' },
  external_select: { field: 'selected_option', initial: 'initial_option' },
  radio_buttons: { field: 'selected_option', initial: 'initial_option' },
  checkboxes: { field: 'selected_options', initial: 'initial_options', many: true },
  multi_static_select: { field: 'selected_options', initial: 'initial_options', many: true },
  multi_external_select: { field: 'selected_options', initial: 'initial_options', many: true },
  users_select: { field: 'selected_user', initial: 'initial_user' },
  multi_users_select: { field: 'selected_users', initial: 'initial_users', many: true },
  channels_select: { field: 'selected_channel', initial: 'initial_channel' },
  multi_channels_select: { field: 'selected_channels', initial: 'initial_channels', many: true },
  conversations_select: { field: 'selected_conversation', initial: 'initial_conversation' },
  multi_conversations_select: { field: 'selected_conversations', initial: 'initial_conversations', many: true },
  datepicker: { field: 'selected_date', initial: 'initial_date' },
  timepicker: { field: 'selected_time', initial: 'initial_time' },
  datetimepicker: { field: 'selected_date_time', initial: 'initial_date_time' },
  file_input: { field: 'files', initial: 'initial_files', many: true },
}

export const fieldOf = (element: Element): string | undefined => STATEFUL[element.type]?.field

// place names an input within its message or view.
export const place = (block: Block, element: Element) => JSON.stringify([block.block_id ?? '', element.action_id ?? ''])

export function initial(element: Element): Value | null {
  const shape = STATEFUL[element.type]
  if (!shape) return null
  return { type: element.type, [shape.field]: element[shape.initial] ?? (shape.many ? [] : null) }
}

export function elementsOf(block: Block): Element[] {
  if (block.type === 'input' && block.element) return [block.element]
  if (block.type === 'section' && block.accessory) return [block.accessory]
  if (block.type === 'actions' || block.type === 'context_actions') return block.elements ?? []
  return []
}

// current is what an element holds now: the person's edit, else its initial value.
export function current(block: Block, element: Element, edits: Edits): Value | null {
  const edited = edits[place(block, element)]
  return edited && edited.type === element.type ? edited : initial(element)
}

// collect builds state.values. Edits of inputs that the view no longer has are
// left behind, as Slack does when a view is updated.
export function collect(blocks: Block[], edits: Edits): Values {
  const values: Values = {}
  for (const block of blocks) {
    for (const element of elementsOf(block)) {
      const value = current(block, element, edits)
      if (!value || !block.block_id || !element.action_id) continue
      ;(values[block.block_id] ??= {})[element.action_id] = value
    }
  }
  return values
}

export const isEmpty = (value: Value | null): boolean => {
  if (!value) return true
  const held = value[STATEFUL[value.type]?.field ?? '']
  return held === null || held === undefined || held === '' || (Array.isArray(held) && held.length === 0)
}

// problems are what Slack's client says before it sends a form.
export function problems(blocks: Block[], edits: Edits): Record<string, string> {
  const found: Record<string, string> = {}
  for (const block of blocks) {
    if (block.type !== 'input' || !block.block_id || !block.element) continue
    const value = current(block, block.element, edits)
    const problem = isEmpty(value) ? (block.optional ? undefined : 'Please complete this required field.') : wrong(block.element, value!)
    if (problem) found[block.block_id] = problem
  }
  return found
}

function wrong(element: Element, value: Value): string | undefined {
  const text = String(value.value ?? '')
  const length = [...text].length
  switch (element.type) {
    case 'plain_text_input':
      if (length < (element.min_length ?? 0)) return `Please use at least ${element.min_length} characters.`
      if (length > (element.max_length ?? 3000)) return `Please use at most ${element.max_length ?? 3000} characters.`
      return
    case 'email_text_input':
      return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text) ? undefined : 'Please enter a valid email address.'
    case 'url_text_input':
      return /^https?:\/\/\S+$/.test(text) ? undefined : 'Please enter a valid URL.'
    case 'number_input': {
      if (!/^-?\d+(\.\d+)?$/.test(text)) return 'Please enter a number.'
      if (!element.is_decimal_allowed && text.includes('.')) return 'Please enter a whole number.'
      if (element.min_value !== undefined && Number(text) < Number(element.min_value)) return `Please enter ${element.min_value} or more.`
      if (element.max_value !== undefined && Number(text) > Number(element.max_value)) return `Please enter ${element.max_value} or less.`
      return
    }
    default:
      return
  }
}
