// What a block needs to know about where it stands: the edits of its message or
// view, and how to tell the app about a click.
import { createContext, useContext, useRef, useState, type ReactNode } from 'react'
import { sim, type Block, type Element, type Source } from '../sim/api'
import { useWorkspace } from '../sim/workspace'
import { collect, current, place, type Edits, type Value } from './values'
import { Confirm, type ConfirmText } from './Confirm'

export interface Surface {
  edits: Edits
  errors: Record<string, string>
  set(block: Block, element: Element, value: Value): void
  // act reports a click or a choice. It asks first when the element says so.
  act(block: Block, element: Element, chosen: Record<string, unknown>): void
}

const Context = createContext<Surface | null>(null)

export function useSurface(): Surface {
  const surface = useContext(Context)
  if (!surface) throw new Error('useSurface outside of a message or view')
  return surface
}

interface Props {
  source: Source
  channel?: string
  blocks: Block[]
  edits: Edits
  errors?: Record<string, string>
  onEdit(place: string, value: Value): void
  children: ReactNode
}

export function SurfaceProvider({ source, channel, blocks, edits, errors, onEdit, children }: Props) {
  const { as, attempt } = useWorkspace()
  const [asking, setAsking] = useState<{ text: ConfirmText; yes(): void }>()
  // The latest edits, for an action that follows its own edit at once.
  const latest = useRef(edits)
  latest.current = edits
  const act: Surface['act'] = (block, element, chosen) => {
    const go = () => {
      const action = { block_id: block.block_id, action_id: element.action_id, type: element.type, ...chosen }
      void attempt(sim.act(as, channel, source, action, collect(blocks, latest.current)))
    }
    if (element.confirm) setAsking({ text: element.confirm, yes: go })
    else go()
  }
  const set: Surface['set'] = (block, element, value) => {
    latest.current = { ...latest.current, [place(block, element)]: value }
    onEdit(place(block, element), value)
  }
  return (
    <Context.Provider value={{ edits, errors: errors ?? {}, set, act }}>
      {children}
      {asking && (
        <Confirm
          text={asking.text}
          onNo={() => setAsking(undefined)}
          onYes={() => {
            setAsking(undefined)
            asking.yes()
          }}
        />
      )}
    </Context.Provider>
  )
}

// useValue is an element's held value and how to change it. Outside of input
// blocks, and in those that ask for it, each change is also an action.
export function useValue(block: Block, element: Element): [Value | null, (chosen: Record<string, unknown>, quiet?: boolean) => void] {
  const surface = useSurface()
  const value = current(block, element, surface.edits)
  const change = (chosen: Record<string, unknown>, quiet = false) => {
    surface.set(block, element, { type: element.type, ...chosen })
    if (!quiet && (block.type !== 'input' || block.dispatch_action)) surface.act(block, element, chosen)
  }
  return [value, change]
}
