// Short notices at the edge of the page, read out politely and gone by themselves.
import { useEffect, useLayoutEffect, useRef } from 'react'
import { Icon } from './Icon'

export interface Toast {
  id: number
  text: string
  level: 'error' | 'warning' | 'info'
}

const STAY = 9000 // ms

export function Toasts({ toasts, dismiss }: { toasts: Toast[]; dismiss(id: number): void }) {
  const box = useRef<HTMLDivElement>(null)
  const newest = toasts.at(-1)?.id
  // Shown anew for each toast: the latest popover lies above every dialog.
  useLayoutEffect(() => {
    const it = box.current!
    if (it.matches(':popover-open')) it.hidePopover()
    if (newest !== undefined) it.showPopover()
  }, [newest])
  return (
    <div ref={box} popover="manual" className="toasts" role="status" aria-live="polite" data-testid="toasts">
      {toasts.map((toast) => (
        <One key={toast.id} toast={toast} dismiss={dismiss} />
      ))}
    </div>
  )
}

function One({ toast, dismiss }: { toast: Toast; dismiss(id: number): void }) {
  useEffect(() => {
    const timer = setTimeout(() => dismiss(toast.id), STAY)
    return () => clearTimeout(timer)
  }, [toast.id, dismiss])
  return (
    <div className={`toast ${toast.level}`} data-testid="toast">
      <Icon name={toast.level === 'info' ? 'info' : 'warning'} />
      <span>{toast.text}</span>
      <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
        <Icon name="close" size={14} />
      </button>
    </div>
  )
}
