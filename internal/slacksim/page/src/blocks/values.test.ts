import { expect, test } from 'vitest'
import { collect, place, problems } from './values'

const name = { type: 'plain_text_input', action_id: 'a', min_length: 3 }
const rows = { type: 'number_input', action_id: 'n', is_decimal_allowed: false, min_value: '1', initial_value: '5' }
const option = { text: { type: 'plain_text', text: 'One' }, value: '1' }
const blocks = [
  { type: 'input', block_id: 'b', label: {}, element: name },
  { type: 'input', block_id: 'r', label: {}, optional: true, element: rows },
  { type: 'section', block_id: 's', accessory: { type: 'checkboxes', action_id: 'c', options: [option], initial_options: [option] } },
  { type: 'actions', block_id: 'x', elements: [{ type: 'button', action_id: 'go' }, { type: 'users_select', action_id: 'u' }] },
  { type: 'input', block_id: 'f', optional: true, label: {}, element: { type: 'file_input', action_id: 'files' } },
]
const edit = (block: number, element: object, value: object) => ({ [place(blocks[block]!, element as never)]: value as never })

test('state.values holds every stateful element, edited or initial, and no button', () => {
  expect(collect(blocks, edit(0, name, { type: 'plain_text_input', value: 'hello' }))).toEqual({
    b: { a: { type: 'plain_text_input', value: 'hello' } },
    r: { n: { type: 'number_input', value: '5' } },
    s: { c: { type: 'checkboxes', selected_options: [option] } },
    x: { u: { type: 'users_select', selected_user: null } },
    f: { files: { type: 'file_input', files: [] } },
  })
})

test('an edit of an input that became another type is left behind', () => {
  const old = edit(0, name, { type: 'static_select', selected_option: option })
  expect(collect(blocks, old).b).toEqual({ a: { type: 'plain_text_input', value: null } })
})

test.each([
  ['', 'Please complete this required field.'],
  ['ab', 'Please use at least 3 characters.'],
  ['abc', undefined],
  ['😀😀', 'Please use at least 3 characters.'],
])('text %j', (value, want) => {
  expect(problems(blocks, edit(0, name, { type: 'plain_text_input', value })).b).toBe(want)
})

test.each([
  ['0', 'Please enter 1 or more.'],
  ['1.5', 'Please enter a whole number.'],
  ['x', 'Please enter a number.'],
  ['', undefined],
  ['7', undefined],
])('number %j', (value, want) => {
  expect(problems(blocks, edit(1, rows, { type: 'number_input', value })).r).toBe(want)
})
