// Something that opens beside its button: in the browser's top layer, so that no
// dialog or scrolling pane cuts it off.
import { useEffect, useLayoutEffect, useRef, type ReactNode, type RefObject } from 'react'

const GAP = 4 // px between the button and what opens

interface Props {
  anchor: RefObject<HTMLElement | null>
  onClose(): void
  align?: 'start' | 'end'
  match?: boolean // as wide as the button at least
  children: ReactNode
}

export function Popup({ anchor, onClose, align = 'start', match, children }: Props) {
  const box = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const popup = box.current!
    if (!popup.matches(':popover-open')) popup.showPopover()
    const place = () => {
      const at = anchor.current?.getBoundingClientRect()
      if (!at) return
      if (match) popup.style.minWidth = `${at.width}px`
      const { offsetWidth: width, offsetHeight: height } = popup
      const below = at.bottom + GAP + height <= innerHeight - 8 || at.top < height + GAP
      const left = align === 'start' ? at.left : at.right - width
      popup.style.top = `${Math.max(8, Math.min(below ? at.bottom + GAP : at.top - GAP - height, innerHeight - height - 8))}px`
      popup.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`
    }
    place()
    const sizes = new ResizeObserver(place)
    sizes.observe(popup)
    addEventListener('resize', place)
    return () => {
      sizes.disconnect()
      removeEventListener('resize', place)
    }
  }, [anchor, align, match])
  useEffect(() => {
    const outside = (event: Event) => {
      const target = event.target as globalThis.Node
      if (!box.current?.contains(target) && !anchor.current?.contains(target)) onClose()
    }
    document.addEventListener('pointerdown', outside, true)
    return () => document.removeEventListener('pointerdown', outside, true)
  })
  return (
    <div ref={box} popover="manual" className="popup">
      {children}
    </div>
  )
}
