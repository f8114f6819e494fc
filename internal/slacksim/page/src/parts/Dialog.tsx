// A modal dialog. The browser's own <dialog> keeps the focus inside, makes the
// rest inert and gives the focus back.
import { useEffect, useId, useLayoutEffect, useRef, type ReactNode } from 'react'

const FIRST = '[data-autofocus], .dialog-body :is(input:not([type=hidden]), textarea, select, button, [tabindex="0"]), .dialog-foot button'

interface Props {
  title: string
  className?: string
  testid?: string
  head?: ReactNode // in place of the plain title
  refocus?: unknown // focus the first field again when this changes
  onClose(): void
  children: ReactNode
}

export function Dialog({ title, className, testid, head, refocus, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useLayoutEffect(() => {
    const it = dialog.current!
    it.showModal()
    return () => it.close()
  }, [])
  useEffect(() => {
    dialog.current?.querySelector<HTMLElement>(FIRST)?.focus({ preventScroll: true }) // a dialog is read from its top
  }, [refocus])
  return (
    <dialog
      ref={dialog}
      className={`dialog ${className ?? ''}`}
      data-testid={testid}
      aria-labelledby={id}
      onCancel={(event) => {
        if (event.target !== dialog.current) return // a file chooser was closed
        event.preventDefault()
        onClose()
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') event.stopPropagation()
      }}
    >
      <div className="dialog-head">
        {head}
        <h2 id={id}>{title}</h2>
      </div>
      {children}
    </dialog>
  )
}
