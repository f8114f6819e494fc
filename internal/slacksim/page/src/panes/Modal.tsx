// The app's modal on top. What was typed is kept per view, so that a form is
// still filled in when one that lay above it closes.
import { useRef, useState } from 'react'
import { Refusal, sim, type View } from '../sim/api'
import { Blocks } from '../blocks/Blocks'
import { SurfaceProvider } from '../blocks/surface'
import { collect, problems, type Edits, type Value } from '../blocks/values'
import { Dialog } from '../parts/Dialog'
import { Icon } from '../parts/Icon'
import { useWorkspace } from '../sim/workspace'

export function Modals({ view }: { view: View | null }) {
  const [edits, setEdits] = useState<Record<string, Edits>>({})
  if (!view) return null
  const edit = (place: string, value: Value) => setEdits((now) => ({ ...now, [view.id]: { ...now[view.id], [place]: value } }))
  return <Modal key={view.id} view={view} edits={edits[view.id] ?? {}} onEdit={edit} />
}

function Modal({ view, edits, onEdit }: { view: View; edits: Edits; onEdit(place: string, value: Value): void }) {
  const { as, attempt, users, state } = useWorkspace()
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [failed, setFailed] = useState('')
  const [busy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const show = (found: Record<string, string>) => {
    setErrors(found)
    const first = view.blocks.find((b) => b.block_id && found[b.block_id])?.block_id
    if (!first) return setFailed(Object.values(found).join(' '))
    requestAnimationFrame(() => {
      const field = form.current?.querySelector(`[data-testid="input-${CSS.escape(first)}"]`)
      field?.querySelector<HTMLElement>('input:not([hidden]), textarea, button')?.focus()
      field?.scrollIntoView({ block: 'center' })
    })
  }
  // What was wrong with a field is said until the field changes.
  const change = (where: string, value: Value) => {
    const [block] = JSON.parse(where) as [string, string]
    setErrors(({ [block]: _, ...others }) => others)
    onEdit(where, value)
  }
  const submit = async () => {
    if (busy) return
    setFailed('')
    const found = problems(view.blocks, edits)
    if (Object.keys(found).length > 0) return show(found)
    setErrors({})
    setBusy(true)
    try {
      const answer = await sim.submit(as, view.id, collect(view.blocks, edits))
      if (!answer.ok) show(answer.errors ?? {})
    } catch (error) {
      setFailed(error instanceof Refusal ? error.message : 'The simulator does not answer.')
    }
    setBusy(false)
  }
  const close = () => void attempt(sim.close(as, view.id))
  const depth = view.depth ?? 1
  const app = state.apps[0]
  const title = view.title?.text ?? 'Dialog'
  return (
    <Dialog
      title={title}
      className={`modal depth-${depth}`}
      testid="modal"
      onClose={close}
      head={
        depth > 1 ? (
          <button type="button" className="icon-button" aria-label="Back" title="Back" data-testid="modal-back" onClick={close}>
            <Icon name="back" />
          </button>
        ) : (
          <span className="modal-app" title={users.get(app?.bot_user ?? '')?.real_name}>
            <Icon name="bot" />
          </span>
        )
      }
    >
      <form
        ref={form}
        noValidate
        aria-busy={busy}
        data-view={view.id}
        data-callback={view.callback_id}
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <button type="button" className="icon-button modal-x" aria-label="Close" onClick={() => void attempt(sim.close(as, view.id, true))}>
          <Icon name="close" />
        </button>
        <div className="dialog-body" tabIndex={-1}>
          {failed && (
            <p className="refused" role="alert" data-testid="modal-error">
              <Icon name="warning" size={14} /> {failed}
            </p>
          )}
          <SurfaceProvider source={{ view_id: view.id }} blocks={view.blocks} edits={edits} errors={errors} onEdit={change}>
            <Blocks blocks={view.blocks} />
          </SurfaceProvider>
        </div>
        <div className="dialog-foot">
          <button type="button" className="button" data-testid="modal-close" onClick={close}>
            {view.close?.text ?? (view.submit ? 'Cancel' : 'Close')}
          </button>
          {view.submit && (
            <button type="submit" className="button solid primary" data-testid="modal-submit" disabled={busy}>
              {busy && <span className="spinner" aria-hidden="true" />}
              {busy ? 'Working…' : view.submit.text}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  )
}
