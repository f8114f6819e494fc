// An input block: label, one element, hint, and what is wrong with it.
import { useId } from 'react'
import type { Block } from '../sim/api'
import { Icon } from '../parts/Icon'
import { Text } from '../text/Text'
import { Interactive } from './Interactive'
import { useSurface } from './surface'

const GROUPS = new Set(['radio_buttons', 'checkboxes', 'file_input'])

export function Input({ block }: { block: Block }) {
  const { errors } = useSurface()
  const id = useId()
  const error = errors[block.block_id ?? '']
  const element = block.element ?? { type: 'nothing' }
  const described = [block.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined
  const label = (
    <>
      <Text of={block.label} />
      {block.optional && <span className="optional"> (optional)</span>}
    </>
  )
  const inner = (
    <>
      <Interactive block={block} element={element} id={id} describedBy={described} invalid={!!error} />
      {error && (
        <p id={`${id}-error`} className="field-error" role="alert" data-testid={`error-${block.block_id}`}>
          <Icon name="warning" size={14} /> {error}
        </p>
      )}
      {block.hint && (
        <p id={`${id}-hint`} className="hint">
          <Text of={block.hint} />
        </p>
      )}
    </>
  )
  if (GROUPS.has(element.type)) {
    return (
      <fieldset className="field" data-testid={`input-${block.block_id}`} aria-describedby={described}>
        <legend>{label}</legend>
        {inner}
      </fieldset>
    )
  }
  return (
    <div className="field" data-testid={`input-${block.block_id}`}>
      <label htmlFor={id} id={`${id}-label`}>
        {label}
      </label>
      {inner}
    </div>
  )
}
