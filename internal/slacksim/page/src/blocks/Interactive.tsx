// Elements that can be clicked or filled in, wherever they stand.
import type { Block, Element, TextObject } from '../sim/api'
import { Icon } from '../parts/Icon'
import { Menu } from '../parts/Menu'
import { PlainText, Text } from '../text/Text'
import { useWorkspace } from '../sim/workspace'
import { permalink } from '../sim/route'
import { DateField, NumberField, TextField } from './Fields'
import { FileField } from './FileField'
import { Choices } from './Choices'
import { Select } from './Select'
import { useSurface } from './surface'
import { Unknown } from './RichText'
import { Picture } from '../panes/Files'

export interface ElementProps {
  block: Block
  element: Element
  // Set inside an input block, whose label names the element.
  id?: string
  describedBy?: string
  invalid?: boolean
}

export const testid = (element: Element) => `action-${element.action_id ?? element.type}`

export function Interactive(props: ElementProps) {
  switch (props.element.type) {
    case 'button':
    case 'workflow_button':
      return <Button {...props} />
    case 'icon_button':
      return <Button {...props} />
    case 'feedback_buttons':
      return <Feedback {...props} />
    case 'overflow':
      return <Overflow {...props} />
    case 'plain_text_input':
    case 'email_text_input':
    case 'url_text_input':
      return <TextField {...props} />
    case 'number_input':
      return <NumberField {...props} />
    case 'datepicker':
    case 'timepicker':
    case 'datetimepicker':
      return <DateField {...props} />
    case 'radio_buttons':
    case 'checkboxes':
      return <Choices {...props} />
    case 'file_input':
      return <FileField {...props} />
    case 'image':
      return <Picture src={String(props.element.image_url)} alt={props.element.alt_text ?? ''} name="picture" />
    default:
      return /_select$/.test(props.element.type) ? <Select {...props} /> : <Unknown what={props.element.type} />
  }
}

function Button({ block, element }: ElementProps) {
  const { act } = useSurface()
  const { go, route, as } = useWorkspace()
  // visible_to_user_ids hides; who may decide is the app's to check.
  if (Array.isArray(element.visible_to_user_ids) && element.visible_to_user_ids.length > 0 && !element.visible_to_user_ids.includes(as)) return null
  const style = element.style === 'primary' ? ' solid primary' : element.style === 'danger' ? ' solid danger' : ''
  const click = () => {
    act(block, element, element.value === undefined ? {} : { value: element.value })
    if (!element.url) return
    const inside = permalink(element.url, location.origin)
    if (inside) go({ as: route.as, ...inside })
    else if (/^https?:\/\//i.test(element.url)) window.open(element.url, '_blank', 'noopener,noreferrer')
  }
  return (
    <button type="button" className={`button${style}`} data-testid={testid(element)} aria-label={element.accessibility_label} onClick={click}>
      <PlainText text={element.text?.text ?? element.icon ?? 'Button'} />
      {element.url && <Icon name="window" size={13} />}
    </button>
  )
}

function Feedback({ block, element }: ElementProps) {
  const { act } = useSurface()
  const one = (which: { text?: TextObject; value?: string; accessibility_label?: string }, glyph: string) => (
    <button type="button" className="button small" aria-label={which?.accessibility_label ?? which?.text?.text} data-testid={`${testid(element)}-${which?.value}`} onClick={() => act(block, element, { value: which?.value })}>
      {glyph} {which?.text?.text}
    </button>
  )
  return (
    <>
      {one(element.positive_button, '👍')}
      {one(element.negative_button, '👎')}
    </>
  )
}

interface Option {
  text: TextObject
  value: string
  description?: TextObject
  url?: string
}

function Overflow({ block, element }: ElementProps) {
  const { act } = useSurface()
  const { go, route } = useWorkspace()
  return (
    <Menu
      label="More actions"
      className="button overflow"
      testid={testid(element)}
      align="end"
      button={<Icon name="more" size={16} />}
      items={(element.options ?? []).map((option: Option) => ({
        key: option.value,
        text: option.text.text,
        label: <Text of={option.text} />,
        detail: option.description && <Text of={option.description} />,
        testid: `option-${option.value}`,
        run: () => {
          act(block, element, { selected_option: option })
          const inside = option.url && permalink(option.url, location.origin)
          if (inside) go({ as: route.as, ...inside })
          else if (option.url && /^https?:\/\//i.test(option.url)) window.open(option.url, '_blank', 'noopener,noreferrer')
        },
      }))}
    />
  )
}
