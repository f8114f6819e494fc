// Radio buttons and checkboxes.
import { useId } from 'react'
import type { TextObject } from '../sim/api'
import { Text } from '../text/Text'
import { testid, type ElementProps } from './Interactive'
import { useValue } from './surface'

interface Option {
  text: TextObject
  value: string
  description?: TextObject
}

export function Choices({ block, element, describedBy, invalid }: ElementProps) {
  const [value, change] = useValue(block, element)
  const name = useId()
  const many = element.type === 'checkboxes'
  const options: Option[] = element.options ?? []
  const held: Option[] = many ? ((value?.selected_options as Option[]) ?? []) : value?.selected_option ? [value.selected_option as Option] : []
  const picked = new Set(held.map((o) => o.value))
  const toggle = (option: Option) => {
    if (!many) return change({ selected_option: option })
    change({ selected_options: options.filter((o) => (o.value === option.value ? !picked.has(o.value) : picked.has(o.value))) })
  }
  return (
    <div className="choices" role={many ? 'group' : 'radiogroup'} data-testid={testid(element)} aria-describedby={describedBy} aria-invalid={invalid || undefined}>
      {options.map((option) => (
        <label key={option.value} className="choice">
          <input type={many ? 'checkbox' : 'radio'} name={name} checked={picked.has(option.value)} data-testid={`option-${option.value}`} onChange={() => toggle(option)} />
          <span>
            <Text of={option.text} />
            {option.description && (
              <span className="menu-detail">
                <Text of={option.description} />
              </span>
            )}
          </span>
        </label>
      ))}
    </div>
  )
}
